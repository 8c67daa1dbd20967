/* The public header from a program's side: two threads, queues, readers.  No network. */
#include "tests/test.h"

#include "sync/xmtui/client.h"

#include <dirent.h>
#include <errno.h>
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
    char home[96];
    bool no_thread;
    struct xm_client *client;
};

static struct xm_options options(struct fixture *f)
{
    return (struct xm_options){
        .home = f->home, .offline = true, .no_node = true, .quiet = true, .no_thread = f->no_thread};
}

static int set_up_either(void **state, bool no_thread)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct xm_options o;

    f->no_thread = no_thread;
    strcpy(f->home, "/tmp/xmtui-client-XXXXXX");
    if (!mkdtemp(f->home))
        return -1;
    o = options(f);
    *state = f;
    return xm_client_open(&o, &f->client, NULL);
}

static int set_up(void **state)
{
    return set_up_either(state, false);
}

static int set_up_no_thread(void **state)
{
    return set_up_either(state, true);
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
    char path[128];

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
    char path[128], found[100] = "";
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

static long elapsed_ms(const struct timespec *since)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
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
    struct timespec before;
    pthread_t thread;
    long waited;

    assert_int_equal(pthread_create(&thread, NULL, ring, &alarm), 0);
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_null(xm_client_wait(f->client, WAIT_MS));
    waited = elapsed_ms(&before);
    atomic_store(&alarm.over, true);
    pthread_join(thread, NULL);
    assert_true(waited >= WAIT_MS - 1);
}

static void polling_ends_with_an_event(void **state)
{
    struct fixture *f = *state;
    int64_t id = xm_client_call(f->client, "client.info", NULL, NULL);
    struct xm_event *event;

    while (!(event = xm_client_next(f->client)))
        assert_int_equal(xm_client_poll(f->client, true, NULL, 0, -1), 0);
    assert_int_equal(event->id, id);
    assert_int_equal(event->kind, XM_EVENT_RESULT);
    xm_event_free(event);
}

/* One answer came while another was waited for: it is there already. */
static void polling_does_not_wait_for_what_was_kept(void **state)
{
    struct fixture *f = *state;
    int64_t id = xm_client_call(f->client, "client.info", NULL, NULL);
    struct xm_event *event;

    json_decref(ask(f, "preferences.log", NULL));
    assert_true(xm_client_poll(f->client, true, NULL, 0, -1) >= 0);
    event = xm_client_next(f->client);
    assert_non_null(event);
    assert_int_equal(event->id, id);
    xm_event_free(event);
}

static void polling_ends_with_a_descriptor(void **state)
{
    enum { WAIT_MS = 30 };
    struct fixture *f = *state;
    struct timespec before;
    struct pollfd fds[3];
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    fds[0] = (struct pollfd){.fd = -1, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = ends[0], .events = POLLIN};
    fds[2] = (struct pollfd){.fd = ends[1], .events = POLLOUT};
    assert_int_equal(xm_client_poll(f->client, true, fds, 3, -1), 1);
    assert_true(fds[0].revents == 0 && fds[1].revents == 0 && fds[2].revents == POLLOUT);
    assert_int_equal(write(ends[1], "x", 1), 1);
    fds[2].fd = -1;
    assert_int_equal(xm_client_poll(f->client, true, fds, 3, -1), 1);
    assert_true(fds[0].revents == 0 && fds[1].revents == POLLIN && fds[2].revents == 0);
    /* Nobody asks for it: it ends nothing, though there is something to read. */
    fds[1].fd = -1;
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(xm_client_poll(f->client, true, fds, 3, WAIT_MS), 0);
    assert_true(elapsed_ms(&before) >= WAIT_MS - 1);
    fds[1].fd = ends[0];
    assert_int_equal(xm_client_poll(f->client, true, fds, 3, -1), 1);
    close(ends[1]);
    close(ends[0]);
}

/* Who cannot take an event now waits for what lets them. */
static void polling_for_descriptors_alone_leaves_the_events(void **state)
{
    enum { WAIT_MS = 30 };
    struct fixture *f = *state;
    struct timespec before;
    struct xm_event *event;
    int64_t id = xm_client_call(f->client, "client.info", NULL, NULL);

    json_decref(ask(f, "preferences.log", NULL)); /* by now the first is answered */
    for (int i = 0; i < 2; i++) {
        clock_gettime(CLOCK_MONOTONIC, &before);
        assert_int_equal(xm_client_poll(f->client, false, NULL, 0, WAIT_MS), 0);
        assert_true(elapsed_ms(&before) >= WAIT_MS - 1);
        if (i == 0)
            assert_true(xm_client_call(f->client, "client.info", NULL, NULL) > id);
    }
    for (int i = 0; i < 2; i++) {
        event = xm_client_next(f->client);
        assert_non_null(event);
        assert_int_equal(event->kind, XM_EVENT_RESULT);
        xm_event_free(event);
    }
}

/* As standard input may be. */
static void a_file_is_always_ready(void **state)
{
    struct fixture *f = *state;
    FILE *file = tmpfile();
    struct pollfd fds[] = {{.fd = fileno(file), .events = POLLIN}};

    assert_int_equal(xm_client_poll(f->client, true, fds, 1, -1), 1);
    assert_int_equal(fds[0].revents, POLLIN);
    fclose(file);
}

static void polling_ends_with_the_time(void **state)
{
    enum { WAIT_MS = 100 };
    struct fixture *f = *state;
    struct timespec before;
    int ends[2];
    struct pollfd fds[1];

    assert_int_equal(pipe(ends), 0);
    fds[0] = (struct pollfd){.fd = ends[0], .events = POLLIN};
    clock_gettime(CLOCK_MONOTONIC, &before);
    while (elapsed_ms(&before) < WAIT_MS - 1)
        assert_int_equal(xm_client_poll(f->client, true, fds, 1, WAIT_MS), 0);
    assert_int_equal(xm_client_poll(f->client, true, fds, 1, 0), 0);
    close(ends[0]);
    close(ends[1]);
}

static void too_many_descriptors_are_refused(void **state)
{
    struct fixture *f = *state;
    struct pollfd fds[XM_POLL_MAX + 1];

    for (size_t i = 0; i <= XM_POLL_MAX; i++)
        fds[i] = (struct pollfd){.fd = -1};
    assert_int_equal(xm_client_poll(f->client, true, fds, XM_POLL_MAX, 0), 0);
    assert_int_equal(xm_client_poll(f->client, true, fds, XM_POLL_MAX + 1, 0), -1);
    assert_int_equal(errno, EINVAL);
}

static int entries(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int n = 0;

    while ((entry = readdir(dir)))
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void a_client_without_a_thread_has_none(void **state)
{
    struct fixture *f = *state;
    struct fixture other = {.no_thread = false};
    struct xm_options o;
    int before = entries("/proc/self/task");

    json_decref(ask(f, "client.info", NULL));
    assert_int_equal(entries("/proc/self/task"), before);
    assert_int_equal(xm_client_fd(f->client), -1);
    strcpy(other.home, f->home);
    strcat(other.home, "/other");
    o = options(&other);
    assert_int_equal(xm_client_open(&o, &other.client, NULL), XM_OK);
    assert_int_equal(entries("/proc/self/task"), before + 1);
    assert_true(xm_client_fd(other.client) >= 0);
    xm_client_close(other.client);
}

static void closing_leaves_no_descriptor(void **state)
{
    struct fixture *f = *state;
    struct xm_options o = options(f);
    int before;

    json_decref(ask(f, "client.info", NULL));
    xm_client_close(f->client);
    before = entries("/proc/self/fd");
    assert_int_equal(xm_client_open(&o, &f->client, NULL), XM_OK);
    json_decref(ask(f, "client.info", NULL));
    assert_true(entries("/proc/self/fd") > before);
    xm_client_close(f->client);
    f->client = NULL;
    assert_int_equal(entries("/proc/self/fd"), before);
}

static void closing_with_requests_in_flight_loses_no_memory(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 200; i++)
        assert_true(xm_client_call(f->client, "preferences.log", NULL, NULL) > 0);
    /* tear_down closes; the sanitizers count what is left */
}

/* The same with the background thread and without. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_NO_THREAD(name) {#name "_without_a_thread", name, set_up_no_thread, tear_down, NULL}
#define TEST_BOTH(name) TEST(name), TEST_NO_THREAD(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_home_is_closed_to_others_and_not_registered),
        TEST_BOTH(a_second_writer_is_refused_with_the_pid_of_the_first),
        TEST_BOTH(a_damaged_home_is_no_new_one_and_stays_as_it_is),
        TEST_BOTH(a_name_that_is_no_text_is_answered),
        TEST_BOTH(errors_come_back_with_their_code),
        TEST_BOTH(a_decision_is_seen_by_a_reader_at_once),
        TEST_BOTH(undo_writes_the_former_state_as_a_new_decision),
        TEST_BOTH(many_requests_are_each_answered_once),
        TEST(waiting_goes_on_after_a_wake_up_for_nothing),
        TEST_BOTH(polling_ends_with_an_event),
        TEST_BOTH(polling_does_not_wait_for_what_was_kept),
        TEST_BOTH(polling_ends_with_a_descriptor),
        TEST_BOTH(polling_for_descriptors_alone_leaves_the_events),
        TEST_BOTH(a_file_is_always_ready),
        TEST_BOTH(polling_ends_with_the_time),
        TEST_BOTH(too_many_descriptors_are_refused),
        TEST_NO_THREAD(a_client_without_a_thread_has_none),
        TEST_BOTH(closing_leaves_no_descriptor),
        TEST_BOTH(closing_with_requests_in_flight_loses_no_memory),
    };

    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
