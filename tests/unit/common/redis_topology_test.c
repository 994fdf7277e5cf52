#include "common/redis_topology.h"

#include <criterion/criterion.h>
#include <string.h>

static char addresses[REDIS_NODES_MAX][REDIS_ADDRESS_MAX];
static int16_t owners[REDIS_SLOTS];

static int read_slots(const char *text)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    cr_assert_eq(redisReaderFeed(reader, text, strlen(text)), REDIS_OK);
    cr_assert_eq(redisReaderGetReply(reader, &reply), REDIS_OK);
    cr_assert_not_null(reply);
    int count = redis_slots_read(reply, "10.0.0.9:6379", addresses, owners);
    freeReplyObject(reply);
    redisReaderFree(reader);
    return count;
}

#define NODE(host, port) "*3\r\n$" host "\r\n:" port "\r\n$2\r\nid\r\n"

Test(redis_topology, map_of_masters_and_their_replicas)
{
    cr_assert_eq(
        read_slots("*3\r\n"
                   "*4\r\n:0\r\n:5460\r\n" NODE("8\r\n10.0.0.1", "7000")
                       NODE("8\r\n10.0.0.3", "7003") "*3\r\n:5461\r\n:5470\r\n" NODE(
                           "8\r\n10.0.0.2", "7001") "*3\r\n:16383\r\n:16383\r\n" NODE("8\r\n10.0.0.1", "7000")),
        2);
    cr_assert_str_eq(addresses[0], "10.0.0.1:7000");
    cr_assert_str_eq(addresses[1], "10.0.0.2:7001");
    cr_assert(owners[0] == 0 && owners[5460] == 0 && owners[5461] == 1 && owners[5470] == 1);
    cr_assert(owners[5471] == -1 && owners[16382] == -1 && owners[16383] == 0);
}

Test(redis_topology, a_node_that_does_not_know_its_address_is_the_one_asked)
{
    cr_assert_eq(read_slots("*1\r\n*3\r\n:0\r\n:16383\r\n" NODE("0\r\n", "7000")), 1);
    cr_assert_str_eq(addresses[0], "10.0.0.9:7000");
    cr_assert_eq(read_slots("*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$-1\r\n:7000\r\n$2\r\nid\r\n"), 1);
    cr_assert_str_eq(addresses[0], "10.0.0.9:7000");
}

Test(redis_topology, other_replies_are_no_map)
{
    static const char *const wrong[] = {
        "+OK\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*2\r\n:0\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:16384\r\n" NODE("8\r\n10.0.0.1", "7000"),
        "*1\r\n*3\r\n:-1\r\n:5\r\n" NODE("8\r\n10.0.0.1", "7000"),
        "*1\r\n*3\r\n:0\r\n:5\r\n*1\r\n$1\r\nh\r\n",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        cr_assert_eq(read_slots(wrong[i]), -1, "%zu", i);
    cr_assert_eq(read_slots("*0\r\n"), 0, "a cluster without slots");
}
