#include "common/free_list.h"

#include <assert.h>
#include "common/deadline.h"

void free_list_init(FreeList *list)
{
    *list = (FreeList){0};
    pthread_mutex_init(&list->lock, NULL);
    deadline_cond_init(&list->freed);
}

void free_list_fini(FreeList *list)
{
    assert(list->taken == 0);
    pthread_cond_destroy(&list->freed);
    pthread_mutex_destroy(&list->lock);
}

static void push(FreeList *list, FreeItem *item)
{
    item->next = list->first;
    list->first = item;
}

void free_list_add(FreeList *list, FreeItem *item)
{
    pthread_mutex_lock(&list->lock);
    push(list, item);
    pthread_cond_signal(&list->freed);
    pthread_mutex_unlock(&list->lock);
}

FreeItem *free_list_take(FreeList *list, int64_t until_ms)
{
    pthread_mutex_lock(&list->lock);
    while (list->first == NULL && deadline_cond_wait(&list->freed, &list->lock, until_ms))
        ;
    FreeItem *item = list->first;
    if (item != NULL) {
        list->first = item->next;
        list->taken++;
    }
    pthread_mutex_unlock(&list->lock);
    return item;
}

void free_list_give_back(FreeList *list, FreeItem *item)
{
    pthread_mutex_lock(&list->lock);
    push(list, item);
    list->taken--;
    pthread_cond_signal(&list->freed);
    pthread_mutex_unlock(&list->lock);
}
