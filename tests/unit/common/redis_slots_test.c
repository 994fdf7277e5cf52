#include "common/redis_slots.h"

#include <criterion/criterion.h>
#include <string.h>

static unsigned slot(const char *key)
{
    return redis_key_slot(key, strlen(key));
}

Test(redis_slots, known_checksums_and_slots)
{
    cr_assert_eq(redis_crc16("123456789", 9), 0x31c3);
    cr_assert_eq(redis_crc16("", 0), 0);
    cr_assert_eq(slot("foo"), 12182);
    cr_assert_eq(slot("somekey"), 11058);
    cr_assert_eq(slot("foo{hash_tag}"), 2515);
}

Test(redis_slots, hash_tags)
{
    cr_assert_eq(slot("{user1000}.following"), slot("user1000"));
    cr_assert_eq(slot("{user1000}.followers"), slot("{user1000}.following"));
    cr_assert_eq(slot("foo{}{bar}"), redis_crc16("foo{}{bar}", 10) % REDIS_SLOTS, "an empty tag is none");
    cr_assert_eq(slot("foo{{bar}}zap"), slot("{bar"));
    cr_assert_eq(slot("foo{bar}{zap}"), slot("bar"));
    cr_assert_eq(slot("foo{bar"), redis_crc16("foo{bar", 7) % REDIS_SLOTS, "an open one neither");
    cr_assert_eq(slot("foo}bar{"), redis_crc16("foo}bar{", 8) % REDIS_SLOTS);
    cr_assert_eq(redis_key_slot("a\0b", 3), redis_crc16("a\0b", 3) % REDIS_SLOTS, "any byte is part of a key");
}

Test(redis_slots, redirections)
{
    RedisRedirect redirect;
    cr_assert(redis_redirect_read("MOVED 3999 127.0.0.1:6381", "h:1", &redirect));
    cr_assert(!redirect.ask && redirect.slot == 3999);
    cr_assert_str_eq(redirect.address, "127.0.0.1:6381");
    cr_assert(redis_redirect_read("ASK 0 ::1:6381", "h:1", &redirect));
    cr_assert(redirect.ask && redirect.slot == 0);
    cr_assert_str_eq(redirect.address, "::1:6381");
    cr_assert(redis_redirect_read("MOVED 1 :7001", "10.0.0.1:6379", &redirect));
    cr_assert_str_eq(redirect.address, "10.0.0.1:7001", "no host: the one that was asked");
    static const char *const others[] = {
        "MOVED", "MOVED 1", "MOVED x 1.1.1.1:1", "MOVED 16384 1.1.1.1:1", "MOVED 1 nowhere", "ERR MOVED 1 1.1.1.1:1",
        "ASK",   ""};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        cr_assert_not(redis_redirect_read(others[i], "h:1", &redirect), "%s", others[i]);
}

Test(redis_slots, addresses)
{
    char host[16];
    int port = 0;
    cr_assert(redis_address_split("localhost:6379", host, sizeof(host), &port));
    cr_assert_str_eq(host, "localhost");
    cr_assert_eq(port, 6379);
    cr_assert(redis_address_split("[::1]:1", host, sizeof(host), &port));
    cr_assert_str_eq(host, "::1");
    cr_assert(redis_address_split("::1:65535", host, sizeof(host), &port));
    cr_assert_str_eq(host, "::1");
    static const char *const wrong[] = {"localhost",         "localhost:",  "localhost:x", "localhost:1x",
                                        "localhost:99999",   "localhost:0", ":1",          "",
                                        "aaaaaaaaaaaaaaaa:1"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        cr_assert_not(redis_address_split(wrong[i], host, sizeof(host), &port), "%s", wrong[i]);
}
