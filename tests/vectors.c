#include "tests/vectors.h"

#include "base/hex.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

json_t *vectors_load(const char *name)
{
    const char *top = getenv("XM_SRCDIR");
    json_error_t why;
    char path[4096];
    json_t *json;

    snprintf(path, sizeof path, "%s/tests/vectors/%s", top ? top : ".", name);
    json = json_load_file(path, 0, &why);
    if (!json)
        fail_msg("%s: %s", path, why.text);
    return json;
}

struct bytes vectors_hex(const json_t *text)
{
    struct bytes out = {0};

    assert_non_null(json_string_value(text));
    assert_int_equal(hex_parse(json_string_value(text), &out), 0);
    return out;
}
