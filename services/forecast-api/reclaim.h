/* Readers that never wait: epoch-based reclamation (Fraser, "Practical lock-freedom", 2004, 5.2.3). A reader looks at
 * atomically published pointers between enter and leave; what a writer has unpublished and retired meanwhile is
 * destroyed only after every reader that might have seen it has left. */
#pragma once

/* Each thread has a slot of its own, so readers share no cache line. Not to be nested. */
void reclaim_enter(void);
void reclaim_leave(void);

/* Call after the object was unpublished. `destroy` runs later, in whatever thread collects. */
void reclaim_retire(void *object, void (*destroy)(void *object));
/* Destroys what no reader can still see. Any thread outside of enter/leave. */
void reclaim_collect(void);
