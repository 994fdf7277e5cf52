#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "common/config.h"

typedef struct Settings {
    const char *name, *password;
    int64_t port;
    double ratio;
    bool enabled;
} Settings;

static const ConfigEntry entries[] = {
    {"TEST_NAME", CONFIG_TEXT, offsetof(Settings, name), "nobody", 0, 0, "A name."},
    {"TEST_PASSWORD", CONFIG_SECRET, offsetof(Settings, password), "", 0, 0, "A secret."},
    {"TEST_PORT", CONFIG_INT, offsetof(Settings, port), "8081", 1, 65535, "A port."},
    {"TEST_RATIO", CONFIG_REAL, offsetof(Settings, ratio), "0.5", 0, 1, "A ratio."},
    {"TEST_ENABLED", CONFIG_BOOL, offsetof(Settings, enabled), "true", 0, 0, "A switch."},
    {0},
};
static const ConfigEntry *const tables[] = {entries, NULL};

static void clear_environment(void)
{
    for (const ConfigEntry *entry = entries; entry->name != NULL; entry++)
        unsetenv(entry->name);
}

TestSuite(config, .init = clear_environment);

Test(config, defaults)
{
    Settings settings;
    cr_assert(config_load(tables, &settings, NULL));
    cr_assert_str_eq(settings.name, "nobody");
    cr_assert_eq(settings.port, 8081);
    cr_assert_float_eq(settings.ratio, 0.5, 0);
    cr_assert(settings.enabled);
}

Test(config, the_environment_wins_and_an_empty_variable_counts_as_unset)
{
    setenv("TEST_NAME", " spaced ", 1);
    setenv("TEST_PORT", "", 1);
    setenv("TEST_RATIO", "1e-3", 1);
    setenv("TEST_ENABLED", "No", 1);
    Settings settings;
    cr_assert(config_load(tables, &settings, NULL));
    cr_assert_str_eq(settings.name, " spaced ");
    cr_assert_eq(settings.port, 8081);
    cr_assert_float_eq(settings.ratio, 0.001, 0);
    cr_assert_not(settings.enabled);
}

static const struct {
    char name[16], value[24], message[96];
} bad_values[] = {
    {"TEST_PORT", "80a", "TEST_PORT is \"80a\": a whole number from 1 to 65535 is needed"},
    {"TEST_PORT", "0", "TEST_PORT is \"0\": a whole number from 1 to 65535 is needed"},
    {"TEST_PORT", " 80", "TEST_PORT is \" 80\": a whole number from 1 to 65535 is needed"},
    {"TEST_PORT", "99999999999999999999",
     "TEST_PORT is \"99999999999999999999\": a whole number from 1 to 65535 is needed"},
    {"TEST_RATIO", "1.01", "TEST_RATIO is \"1.01\": a number from 0 to 1 is needed"},
    {"TEST_RATIO", "nan", "TEST_RATIO is \"nan\": a number from 0 to 1 is needed"},
    {"TEST_RATIO", "0x1", "TEST_RATIO is \"0x1\": a number from 0 to 1 is needed"},
    {"TEST_ENABLED", "maybe", "TEST_ENABLED is \"maybe\": true, false, on, off, yes, no, 1 or 0 is needed"},
};

Test(config, bad_values_are_named_with_what_is_allowed)
{
    for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++) {
        clear_environment();
        setenv(bad_values[i].name, bad_values[i].value, 1);
        Settings settings;
        Error err;
        cr_assert_not(config_load(tables, &settings, &err));
        cr_assert_str_eq(err.message, bad_values[i].message);
        cr_assert_str_eq(err.pointer, bad_values[i].name);
    }
}

Test(config, help_shows_defaults_and_ranges)
{
    char *text = NULL;
    size_t length_bytes;
    FILE *out = open_memstream(&text, &length_bytes);
    config_print_help(tables, out);
    fclose(out);
    cr_assert_not_null(strstr(text, "  TEST_NAME=nobody\n      A name.\n"));
    cr_assert_not_null(strstr(text, "  TEST_PORT=8081  (1..65535)\n"));
    cr_assert_not_null(strstr(text, "  TEST_PASSWORD\n"));
    free(text);
}

Test(config, common_entries_load)
{
    const ConfigEntry *const common_tables[] = {common_config, NULL};
    CommonConfig config;
    cr_assert(config_load(common_tables, &config, NULL));
    cr_assert_str_eq(config.ingest_url, "http://127.0.0.1:8081");
}
