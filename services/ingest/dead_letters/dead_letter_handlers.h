/* GET /dead-letters, POST /dead-letters/replay. */
#pragma once

#include "common/router.h"

enum {
    DEAD_LETTERS_PAGE_MAX = 1000,
    DEAD_LETTERS_PAGE_DEFAULT = 100,
    DEAD_LETTER_SHOWN_BYTES = 4096, /* of each message; the whole is in raw.dead_letter */
    REPLAY_BODY_MAX_BYTES = 256 * 1024,
    REPLAY_IDS_MAX = 10000,
};

RouteHandler handle_list_dead_letters;
RouteHandler handle_replay_dead_letters;
