/* The public header from a program's side: two threads, queues, readers.  No network. */
#include "tests/test.h"

#include "sync/xmtui/client.h"

#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct fixture {
    char home[64];
    struct xm_client *client;
};

static struct xm_options options(struct fixture *f)
{
    return (struct xm_options){.home = f->home, .offline = true, .no_node = true, .quiet = true};
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct xm_options o;

    strcpy(f->home, "/tmp/xmtui-client-XXXXXX");
    if (!mkdtemp(f->home))
        return -1;
    o = options(f);
    *state = f;
    return xm_client_open(&o, &f->client, NULL);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    int r;

    xm_client_close(f->client);
    snprintf(command, sizeof command, "rm -rf '%s'", f->home);
    r = system(command);
    free(f);
    return r;
}

static json_t *ask(struct fixture *f, const char *method, const char *params)
{
    struct xm_error error = {0};
    char *text = NULL;
    json_t *json;

    if (xm_client_request(f->client, method, params, 20000, &text, &error) != XM_OK)
        fail_msg("%s: %s", method, error.text);
    json = json_loads(text, JSON_DECODE_ANY, NULL);
    xm_free_text(text);
    return json;
}

static void a_new_home_is_closed_to_others_and_not_registered(void **state)
{
    struct fixture *f = *state;
    json_t *info = ask(f, "client.info", NULL);
    struct stat st;
    char path[96];

    assert_true(json_is_false(json_object_get(info, "registered")));
    assert_string_equal(json_string_value(json_object_get(info, "env")), "local");
    json_decref(info);
    assert_int_equal(stat(f->home, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/db.key", f->home);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_second_writer_is_refused_with_the_pid_of_the_first(void **state)
{
    struct fixture *f = *state;
    struct xm_options o = options(f);
    struct xm_client *second = NULL;
    struct xm_error error = {0};
    char pid[16];

    snprintf(pid, sizeof pid, "%d", (int)getpid());
    assert_int_equal(xm_client_open(&o, &second, &error), XM_LOCKED);
    assert_null(second);
    assert_non_null(strstr(error.text, pid));
}

/* Who is offered to begin anew there would lose what can still be saved. */
static void a_damaged_home_is_no_new_one_and_stays_as_it_is(void **state)
{
    static const char rubbish[] = "this was a database before the disk went bad";
    struct fixture *f = *state;
    struct xm_options o = options(f);
    struct xm_error error = {0};
    struct xm_client *client = NULL;
    char path[96], found[100] = "";
    FILE *file;

    xm_client_close(f->client);
    f->client = NULL;
    snprintf(path, sizeof path, "%s/xmtui.db", f->home);
    file = fopen(path, "w");
    for (int i = 0; i < 100; i++)
        fputs(rubbish, file);
    fclose(file);
    assert_int_not_equal(xm_home_inspect(f->home), XM_HOME_NEW);
    assert_int_equal(xm_client_open(&o, &client, &error), XM_FAILED);
    assert_non_null(strstr(error.text, "database file damaged"));
    file = fopen(path, "r");
    assert_int_equal(fread(found, 1, strlen(rubbish), file), strlen(rubbish));
    assert_string_equal(found, rubbish);
    fclose(file);
}

static void a_name_that_is_no_text_is_answered(void **state)
{
    struct fixture *f = *state;
    struct xm_error error = {0};

    assert_int_equal(xm_client_request(f->client, "conversation.\xff", "{}", 20000, NULL, &error), XM_FAILED);
    assert_string_equal(error.text, "no method \"conversation.?\"");
}

static void errors_come_back_with_their_code(void **state)
{
    struct fixture *f = *state;
    struct xm_error error = {0};

    assert_int_equal(xm_client_request(f->client, "conversation.get", "{\"id\":\"00112233445566778899aabbccddeeff\"}",
                                       20000, NULL, &error),
                     XM_NOT_FOUND);
    assert_non_null(strstr(error.text, "00112233445566778899aabbccddeeff"));
    assert_int_equal(xm_client_request(f->client, "client.canMessage", "{\"peers\":[]}", 20000, NULL, &error), XM_OFFLINE);
    /* Nothing to sync before there is an installation. */
    assert_int_equal(xm_client_request(f->client, "conversations.sync", NULL, 20000, NULL, &error), XM_NOT_FOUND);
    assert_non_null(strstr(error.text, "xmtui init"));
    assert_int_equal(xm_client_request(f->client, "no.such", NULL, 20000, NULL, &error), XM_FAILED);
    assert_int_equal(xm_client_request(f->client, "client.info", "[1]", 20000, NULL, &error), XM_USAGE);
    assert_int_equal(xm_client_request(f->client, "preferences.getConsent", "{}", 20000, NULL, &error), XM_USAGE);
}

static void a_decision_is_seen_by_a_reader_at_once(void **state)
{
    static const char record[] =
        "{\"records\":[{\"entityType\":\"inboxId\",\"entity\":"
        "\"c24caeaf198cef106e3ab9251bed63aafdb2eed4efe93f1f9acebee4cd705c35\",\"state\":\"denied\"}]}";
    struct fixture *f = *state;
    struct xm_reader *reader = NULL;
    json_t *changed, *log, *row;
    char *text = NULL;

    assert_int_equal(xm_reader_open(f->client, &reader, NULL), XM_OK);
    changed = ask(f, "preferences.setConsent", record);
    assert_int_equal(json_integer_value(json_object_get(changed, "changed")), 1);
    assert_int_equal(xm_reader_call(reader, "preferences.log", "{}", &text, NULL), XM_OK);
    log = json_loads(text, 0, NULL);
    row = json_array_get(log, 0);
    assert_int_equal(json_array_size(log), 1);
    assert_string_equal(json_string_value(json_object_get(row, "oldState")), "unknown");
    assert_string_equal(json_string_value(json_object_get(row, "newState")), "denied");
    assert_string_equal(json_string_value(json_object_get(row, "effect")), "changed");
    assert_string_equal(json_string_value(json_object_get(row, "origin")), "local");
    /* A reader writes nothing. */
    assert_int_not_equal(xm_reader_call(reader, "preferences.setConsent", record, &text, NULL), XM_OK);
    xm_free_text(text);
    xm_reader_close(reader);
    json_decref(changed);
    json_decref(log);
}

static void undo_writes_the_former_state_as_a_new_decision(void **state)
{
    static const char record[] =
        "{\"records\":[{\"entityType\":\"inboxId\",\"entity\":"
        "\"c24caeaf198cef106e3ab9251bed63aafdb2eed4efe93f1f9acebee4cd705c35\",\"state\":\"allowed\"}]}";
    struct fixture *f = *state;
    json_t *log, *undone;
    char params[64];

    json_decref(ask(f, "preferences.setConsent", record));
    log = ask(f, "preferences.log", "{\"limit\":1}");
    snprintf(params, sizeof params, "{\"id\":%" JSON_INTEGER_FORMAT "}",
             json_integer_value(json_object_get(json_array_get(log, 0), "id")));
    undone = ask(f, "preferences.undo", params);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(undone, "records"), 0), "state")), "unknown");
    json_decref(log);
    log = ask(f, "preferences.log", NULL);
    assert_int_equal(json_array_size(log), 2);
    json_decref(log);
    json_decref(undone);
}

#define MANY 900

static void many_requests_are_each_answered_once(void **state)
{
    struct fixture *f = *state;
    bool seen[MANY] = {false};
    int64_t first = 0;
    size_t n = 0;

    for (int i = 0; i < MANY; i++) {
        int64_t id = xm_client_call(f->client, "client.info", NULL, NULL);

        assert_true(id > 0);
        first = first ? first : id;
    }
    while (n < MANY) {
        struct xm_event *event = xm_client_wait(f->client, 20000);

        assert_non_null(event);
        assert_int_equal(event->kind, XM_EVENT_RESULT);
        assert_true(event->id >= first && event->id < first + MANY);
        assert_false(seen[event->id - first]);
        seen[event->id - first] = true;
        n++;
        xm_event_free(event);
    }
    assert_null(xm_client_next(f->client));
}

/* Wakes whoever waits, again and again, with nothing to take. */
struct false_alarm {
    int fd;
    atomic_bool over;
};

static void *ring(void *arg)
{
    struct false_alarm *alarm = arg;
    const struct timespec ms = {.tv_nsec = 1000000};
    uint64_t one = 1;

    while (!atomic_load(&alarm->over)) {
        if (write(alarm->fd, &one, sizeof one) != sizeof one)
            break;
        nanosleep(&ms, NULL);
    }
    return NULL;
}

static void waiting_goes_on_after_a_wake_up_for_nothing(void **state)
{
    enum { WAIT_MS = 200 };
    struct fixture *f = *state;
    struct false_alarm alarm = {.fd = xm_client_fd(f->client)};
    struct timespec before, after;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, ring, &alarm), 0);
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_null(xm_client_wait(f->client, WAIT_MS));
    clock_gettime(CLOCK_MONOTONIC, &after);
    atomic_store(&alarm.over, true);
    pthread_join(thread, NULL);
    assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= WAIT_MS - 1);
}

static void closing_with_requests_in_flight_loses_no_memory(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 200; i++)
        assert_true(xm_client_call(f->client, "preferences.log", NULL, NULL) > 0);
    /* tear_down closes; the sanitizers count what is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_home_is_closed_to_others_and_not_registered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_writer_is_refused_with_the_pid_of_the_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_home_is_no_new_one_and_stays_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_that_is_no_text_is_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_come_back_with_their_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_decision_is_seen_by_a_reader_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(undo_writes_the_former_state_as_a_new_decision, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_requests_are_each_answered_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waiting_goes_on_after_a_wake_up_for_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_with_requests_in_flight_loses_no_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
