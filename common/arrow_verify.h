/* What nanoarrow takes for granted in an Arrow message and the flatbuffers verifier does not check. */
#pragma once

#include <stdint.h>

/* NULL when `message`, a flatbuffer that passed ArrowIpcDecoderVerifyHeader(), is a schema or a record batch that can
 * be decoded; else what is wrong with it: a union or a key without its value, a buffer outside the body of
 * `body_bytes`, a column longer than the body could hold, another kind of message. Static text. */
const char *arrow_message_problem(const uint8_t *message, int64_t body_bytes);
