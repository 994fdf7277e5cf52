#include "common/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { AUTH_TOKENS_MAX = 1024, AUTH_TOKEN_MAX_BYTES = 256, AUTH_LINE_MAX_BYTES = 512 };

static const Scope grantable_scopes[] = {SCOPE_READ, SCOPE_WRITE, SCOPE_OPERATE, SCOPE_INTERNAL};
enum { GRANTABLE_SCOPES_COUNT = sizeof(grantable_scopes) / sizeof(grantable_scopes[0]) };

typedef struct Token {
    char text[AUTH_TOKEN_MAX_BYTES]; /* padded with zeros, so that comparing takes the same time for any length */
    unsigned scopes;                 /* bit 1 << Scope */
} Token;

struct Auth {
    bool open;
    size_t tokens_count;
    Token tokens[];
};

static bool parse_scopes(char *list, unsigned *ret_scopes, Error *err)
{
    unsigned scopes = 0;
    char *rest = NULL;
    for (char *word = strtok_r(list, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        size_t i = 0;
        while (i < GRANTABLE_SCOPES_COUNT && strcmp(word, scope_name(grantable_scopes[i])) != 0)
            i++;
        if (i == GRANTABLE_SCOPES_COUNT)
            return error_set(err, ERROR_INVALID_ARGUMENT, "unknown scope \"%s\": read, write, operate or internal",
                             word);
        scopes |= 1u << grantable_scopes[i];
    }
    *ret_scopes = scopes;
    return true;
}

/* A line without a token leaves *ret_found false. */
static bool parse_line(char *line, Token *token, bool *ret_found, Error *err)
{
    line[strcspn(line, "#\r\n")] = '\0';
    char *rest = NULL;
    const char *text = strtok_r(line, " \t", &rest);
    *ret_found = text != NULL;
    if (text == NULL)
        return true;
    char *scopes = strtok_r(NULL, " \t", &rest);
    if (scopes == NULL || strtok_r(NULL, " \t", &rest) != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "`<token> <scope>[,<scope>...]` is needed");
    size_t length_bytes = strlen(text);
    if (length_bytes >= AUTH_TOKEN_MAX_BYTES)
        return error_set(err, ERROR_INVALID_ARGUMENT, "the token is longer than %d bytes", AUTH_TOKEN_MAX_BYTES - 1);
    *token = (Token){0};
    memcpy(token->text, text, length_bytes + 1);
    return parse_scopes(scopes, &token->scopes, err);
}

static bool read_tokens(FILE *file, Auth *auth, Error *err)
{
    char line[AUTH_LINE_MAX_BYTES];
    for (unsigned number = 1; fgets(line, sizeof(line), file) != NULL; number++) {
        bool found = false;
        Token token;
        if (strlen(line) == sizeof(line) - 1 && line[sizeof(line) - 2] != '\n')
            return error_set(err, ERROR_INVALID_ARGUMENT, "line %u is longer than %d bytes", number,
                             AUTH_LINE_MAX_BYTES - 1);
        if (!parse_line(line, &token, &found, err))
            return error_prefix(err, "line %u", number);
        if (!found)
            continue;
        if (auth->tokens_count == AUTH_TOKENS_MAX)
            return error_set(err, ERROR_INVALID_ARGUMENT, "more than %d tokens", AUTH_TOKENS_MAX);
        auth->tokens[auth->tokens_count++] = token;
    }
    if (ferror(file))
        return error_set(err, ERROR_INVALID_ARGUMENT, "%s", strerror(errno));
    if (auth->tokens_count == 0)
        return error_set(err, ERROR_INVALID_ARGUMENT, "it has no token");
    return true;
}

bool auth_load(const char *path, Auth **ret_auth, Error *err)
{
    bool open = path[0] == '\0';
    Auth *auth = calloc(1, sizeof(*auth) + (open ? 0 : AUTH_TOKENS_MAX * sizeof(Token)));
    if (auth == NULL)
        abort();
    auth->open = open;
    if (!open) {
        FILE *file = fopen(path, "re");
        bool ok =
            file != NULL ? read_tokens(file, auth, err) : error_set(err, ERROR_INVALID_ARGUMENT, "%s", strerror(errno));
        if (file != NULL)
            fclose(file);
        if (!ok) {
            auth_free(auth);
            return error_prefix(err, "tokens file %s", path);
        }
    }
    *ret_auth = auth;
    return true;
}

void auth_free(Auth *auth)
{
    if (auth == NULL)
        return;
    explicit_bzero(auth->tokens, auth->tokens_count * sizeof(Token));
    free(auth);
}

/* Looks at every byte of every token, so that the time taken tells nothing about them. */
static const Token *find_token(const Auth *auth, const char *text)
{
    char padded[AUTH_TOKEN_MAX_BYTES] = {0};
    size_t length_bytes = strnlen(text, sizeof(padded));
    if (length_bytes == 0 || length_bytes == sizeof(padded))
        return NULL;
    memcpy(padded, text, length_bytes);
    const Token *found = NULL;
    for (size_t t = 0; t < auth->tokens_count; t++) {
        unsigned different = 0;
        for (size_t i = 0; i < sizeof(padded); i++)
            different |= (unsigned)(padded[i] ^ auth->tokens[t].text[i]);
        found = different == 0 ? &auth->tokens[t] : found;
    }
    return found;
}

bool auth_check(const Auth *auth, const char *authorization, Scope scope, Error *err)
{
    if (auth->open || scope == SCOPE_PUBLIC)
        return true;
    static const char scheme[] = "Bearer ";
    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return error_set(err, ERROR_UNAUTHENTICATED, "a bearer token with the scope `%s` is needed", scope_name(scope));
    const char *text = authorization + sizeof(scheme) - 1;
    const Token *token = find_token(auth, text + strspn(text, " "));
    if (token == NULL)
        return error_set(err, ERROR_UNAUTHENTICATED, "the bearer token is not known here");
    if ((token->scopes & (1u << scope)) == 0)
        return error_set(err, ERROR_FORBIDDEN, "the token does not carry the scope `%s`", scope_name(scope));
    return true;
}
