#include <criterion/criterion.h>
#include <time.h>
#include "common/clock.h"
#include "common/free_list.h"

enum { WAIT_MS = 20, PATIENCE_MS = 10000 };

static FreeList shared_list;
static FreeItem shared_item;

static void *give_back_later(void *unused)
{
    nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L}, NULL);
    free_list_give_back(&shared_list, &shared_item);
    return unused;
}

Test(free_list, gives_the_last_one_back_first)
{
    FreeList list;
    FreeItem a, b;
    free_list_init(&list);
    free_list_add(&list, &a);
    free_list_add(&list, &b);
    cr_assert_eq(free_list_take(&list, 0), &b);
    cr_assert_eq(free_list_take(&list, 0), &a);
    free_list_give_back(&list, &b);
    free_list_give_back(&list, &a);
    cr_assert_eq(free_list_take(&list, 0), &a);
    free_list_give_back(&list, &a);
    free_list_fini(&list);
}

Test(free_list, gives_up_at_the_deadline)
{
    FreeList list;
    free_list_init(&list);
    int64_t until_ms = clock_monotonic_ms() + WAIT_MS;
    cr_assert_null(free_list_take(&list, until_ms));
    cr_assert_geq(clock_monotonic_ms(), until_ms);
    free_list_fini(&list);
}

Test(free_list, waits_for_what_another_thread_gives_back)
{
    pthread_t thread;
    free_list_init(&shared_list);
    free_list_add(&shared_list, &shared_item);
    cr_assert_eq(free_list_take(&shared_list, 0), &shared_item);
    cr_assert_eq(pthread_create(&thread, NULL, give_back_later, NULL), 0);
    cr_assert_eq(free_list_take(&shared_list, clock_monotonic_ms() + PATIENCE_MS), &shared_item);
    free_list_give_back(&shared_list, &shared_item);
    pthread_join(thread, NULL);
    free_list_fini(&shared_list);
}
