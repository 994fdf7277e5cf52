/* What nanoarrow takes for granted in an Arrow message and the flatbuffers verifier does not check. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Whether every union of a message (its header; in a schema each field's type, at any depth) has a value beside its
 * type. `message` is a flatbuffer that passed ArrowIpcDecoderVerifyHeader(). */
bool arrow_message_is_whole(const uint8_t *message);
