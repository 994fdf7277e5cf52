/* Bearer tokens and the scopes they carry. File: lines of `<token> <scope>[,<scope>...]`, # starts a comment. */
#pragma once

#include "common/router.h"

typedef struct Auth Auth;

/* An empty path gives an Auth that lets everyone in. */
bool auth_load(const char *path, Auth **ret_auth, Error *err) MUST_CHECK;
void auth_free(Auth *auth);
/* UNAUTHENTICATED or FORBIDDEN. `authorization` is the header's value or NULL. Compares in constant time. */
bool auth_check(const Auth *auth, const char *authorization, Scope scope, Error *err) MUST_CHECK;
