/* Does what its arguments say, one word after the other: `wait read FILE`.
 * Compiled twice: as the program that the rules allow, and with -DOTHER as one that they do not. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#ifdef OTHER
const char *const kind = "another program";
#else
const char *const kind = "the allowed program";
#endif

/* Of the library that it is linked to. */
extern int greeting(void);

static char **word;

static char *next(void) {
    if (!*word) {
        fprintf(stderr, "a word is missing\n");
        _exit(2);
    }
    return *word++;
}

static void check(int failed, const char *what) {
    if (failed) {
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        fflush(NULL);
        _exit(1);
    }
}

static void copy(int fd, const char *what) {
    char buffer[65536];
    ssize_t length;
    while ((length = read(fd, buffer, sizeof buffer)) > 0)
        check(write(1, buffer, length) != length, "standard output");
    check(length < 0, what);
}

static void say(const char *what, const char *text) {
    printf("%s%s\n", what, text);
    fflush(stdout);
}

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

/* Waits for a line, or for the end, of standard input. */
static void pause_for_a_line(void) {
    char byte = 0;
    say("ready", "");
    while (byte != '\n' && read(0, &byte, 1) == 1)
        ;
}

static void read_file(void) {
    char *file = next();
    int fd = open(file, O_RDONLY);
    check(fd < 0, file);
    copy(fd, file);
    close(fd);
}

/* Says how long open(2) took, and what came of it, in one write. */
static void timed(void) {
    char line[64];
    long long start = now();
    int fd = open(next(), O_RDONLY);
    const char *end = fd >= 0 ? "opened" : errno == EACCES ? "denied" : strerror(errno);
    int length = snprintf(line, sizeof line, "%s %s %lld\n",
                          kind[0] == 't' ? "allowed" : "other", end, now() - start);
    check(write(1, line, length) != length, "standard output");
}

/* Opens and reads again and again until standard input ends; says how often, and the longest time. */
static void stream(void) {
    char *file = next(), byte;
    long long count = 0, longest = 0;
    fcntl(0, F_SETFL, O_NONBLOCK);
    say("ready", "");
    while (read(0, &byte, 1) != 0) {
        char buffer[4096];
        long long start = now();
        int fd = open(file, O_RDONLY);
        check(fd < 0, file);
        check(read(fd, buffer, sizeof buffer) <= 0, file);
        close(fd);
        count++;
        if (now() - start > longest)
            longest = now() - start;
    }
    printf("%lld reads, longest %lld\n", count, longest);
}

static void go_on_in_a_child(void) {
    int status;
    pid_t child = fork();
    check(child < 0, "fork");
    if (child) {
        waitpid(child, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128);
    }
}

/* Waits until the parent has become this program. */
static void when_parent_is(void) {
    char name[64], path[4096], *program = next();
    snprintf(name, sizeof name, "/proc/%d/exe", getppid());
    do {
        memset(path, 0, sizeof path);
        check(readlink(name, path, sizeof path - 1) < 0, name);
    } while (strcmp(path, program));
}

/* Goes on in a child of its own parent, and ends. */
static void go_on_in_a_sibling(void) {
    fflush(NULL);
    int child = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    check(child < 0, "clone");
    if (child)
        _exit(0);
}

/* Ends as that one of its children does that failed, if any; it did not start them itself, and they may be told in
   any order. */
static void reap(void) {
    int status, last;
    check(wait(&status) < 0, "wait");
    while (wait(&last) > 0)
        if (last)
            status = last;
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128);
}

static void *idle(void *unused) {
    printf("thread %ld\n", syscall(SYS_gettid));
    fflush(stdout);
    for (;;)
        sleep(60);
    return unused;
}

static void all(void);

static void *go_on(void *unused) {
    all();
    fflush(NULL);
    _exit(0);
    return unused;
}

static void executable(int fd, int flags) {
    int protection = PROT_READ | PROT_EXEC | (fd < 0 ? PROT_WRITE : 0);
    check(mmap(NULL, 4096, protection, flags, fd, 0) == MAP_FAILED, "mmap");
}

static void executable_memfd(void) {
    int fd = memfd_create("code", 0);
    check(fd < 0 || ftruncate(fd, 4096), "memfd_create");
    executable(fd, MAP_PRIVATE);
}

static void executable_segment(void) {
    int segment = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0700);
    check(segment < 0 || shmat(segment, NULL, SHM_EXEC) == (void *)-1, "shmat");
    shmctl(segment, IPC_RMID, NULL);
}

static void *open_again_and_again(void *file) {
    for (;;) {
        int fd = open(file, O_RDONLY);
        check(fd < 0, file);
        close(fd);
    }
    return NULL;
}

/* Three more threads that open FILE while the main one goes on. */
static void hammer(void) {
    char *file = next();
    for (int count = 0; count < 3; count++) {
        pthread_t thread;
        check(pthread_create(&thread, NULL, open_again_and_again, file), "pthread_create");
    }
    usleep(3000);
}

static int unix_socket(const char *path, struct sockaddr_un *address) {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    check(fd < 0, "socket");
    address->sun_family = AF_UNIX;
    strncpy(address->sun_path, path, sizeof address->sun_path - 1);
    return fd;
}

union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

/* Opens FILE and sends the descriptor through the socket at PATH. */
static void send_descriptor(void) {
    struct sockaddr_un address = {0};
    int to = unix_socket(next(), &address);
    int fd = open(next(), O_RDONLY);
    check(fd < 0, "the file to send");
    check(connect(to, (struct sockaddr *)&address, sizeof address), "connect");
    char byte = 'x';
    union control control = {{0}};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    check(sendmsg(to, &message, 0) != 1, "sendmsg");
}

/* Reads what a descriptor that comes through a socket at PATH leads to. */
static void receive_descriptor(void) {
    struct sockaddr_un address = {0};
    char *path = next(), byte;
    int listener = unix_socket(path, &address), fd;
    check(bind(listener, (struct sockaddr *)&address, sizeof address), path);
    check(chmod(path, 0777) || listen(listener, 1), path);
    say("ready", "");
    int from = accept(listener, NULL, NULL);
    check(from < 0, "accept");
    union control control = {{0}};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    check(recvmsg(from, &message, 0) != 1 || !CMSG_FIRSTHDR(&message), "recvmsg");
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    copy(fd, "the descriptor that came");
}

/* What needs the right to write: the steps that name one path, and those that name two. */
static int change(const char *step, const char *name) {
    if (!strcmp(step, "write")) {
        int fd = open(name, O_WRONLY);
        return fd < 0 || write(fd, "x", 1) != 1;
    }
    if (!strcmp(step, "create"))
        return open(name, O_WRONLY | O_CREAT | O_EXCL, 0666) < 0;
    if (!strcmp(step, "truncate"))
        return truncate(name, 0);
    if (!strcmp(step, "open-truncate"))
        return open(name, O_RDONLY | O_TRUNC) < 0;
    if (!strcmp(step, "unlink"))
        return unlink(name);
    if (!strcmp(step, "rmdir"))
        return rmdir(name);
    if (!strcmp(step, "chmod"))
        return chmod(name, 0600);
    if (!strcmp(step, "chown"))
        return chown(name, getuid(), getgid());
    if (!strcmp(step, "touch"))
        return utimensat(AT_FDCWD, name, NULL, 0);
    if (!strcmp(step, "setxattr"))
        return setxattr(name, "user.x", "x", 1, 0);
    if (!strcmp(step, "mkdir"))
        return mkdir(name, 0777);
    if (!strcmp(step, "mkfifo"))
        return mknod(name, S_IFIFO | 0666, 0);
    if (!strcmp(step, "symlink"))
        return symlink(name, next());
    if (!strcmp(step, "link"))
        return link(name, next());
    if (!strcmp(step, "rename"))
        return rename(name, next());
    if (!strcmp(step, "exchange"))
        return renameat2(AT_FDCWD, name, AT_FDCWD, next(), RENAME_EXCHANGE);
    fprintf(stderr, "what is %s?\n", step);
    _exit(2);
}

static void one(const char *step) {
    if (!strcmp(step, "read")) {
        read_file();
    } else if (!strcmp(step, "read-at")) {
        int directory = atoi(next());
        char *name = next();
        int fd = openat(directory, name, O_RDONLY);
        check(fd < 0, name);
        copy(fd, name);
    } else if (!strcmp(step, "read-fd")) {
        int fd = atoi(next());
        check(lseek(fd, 0, SEEK_SET), "lseek");
        copy(fd, "a descriptor");
    } else if (!strcmp(step, "open")) {
        char *file = next();
        int fd = open(file, O_RDONLY);
        check(fd < 0 || dup2(fd, 9) < 0, file);
    } else if (!strcmp(step, "hammer")) {
        hammer();
    } else if (!strcmp(step, "timed")) {
        timed();
    } else if (!strcmp(step, "stream")) {
        stream();
    } else if (!strcmp(step, "exe")) {
        char path[4096] = {0};
        check(readlink("/proc/self/exe", path, sizeof path - 1) < 0, "/proc/self/exe");
        say("exe ", path);
    } else if (!strcmp(step, "note")) {
        char text[4096];
        int from = open("/proc/self/stat", O_RDONLY);
        ssize_t length = read(from, text, sizeof text);
        int to = open(next(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
        check(length < 0 || write(to, text, length) != length, "note");
    } else if (!strcmp(step, "directory")) {
        char *path = next();
        check(chdir(path), path);
    } else if (!strcmp(step, "pid")) {
        printf("pid %d\n", getpid());
        fflush(stdout);
    } else if (!strcmp(step, "wait")) {
        pause_for_a_line();
    } else if (!strcmp(step, "fork")) {
        go_on_in_a_child();
    } else if (!strcmp(step, "when-parent-is")) {
        when_parent_is();
    } else if (!strcmp(step, "sibling")) {
        go_on_in_a_sibling();
    } else if (!strcmp(step, "reap")) {
        reap();
    } else if (!strcmp(step, "sleep")) {
        sleep(1);
    } else if (!strcmp(step, "exec")) {
        char *program = next();
        fflush(NULL);
        execv(program, word - 1);
        check(1, program);
    } else if (!strcmp(step, "env")) {
        char *name = next();
        check(setenv(name, next(), 1), name);
    } else if (!strcmp(step, "uid")) {
        uid_t uid = atoi(next());
        check(setresuid(uid, uid, uid), "setresuid");
    } else if (!strcmp(step, "load")) {
        if (!dlopen(next(), RTLD_NOW)) {
            fprintf(stderr, "%s\n", dlerror());
            _exit(2);
        }
    } else if (!strcmp(step, "anonymous")) {
        executable(-1, MAP_ANONYMOUS | MAP_PRIVATE);
    } else if (!strcmp(step, "shared")) {
        executable(-1, MAP_ANONYMOUS | MAP_SHARED);
    } else if (!strcmp(step, "segment")) {
        executable_segment();
    } else if (!strcmp(step, "memfd")) {
        executable_memfd();
    } else if (!strcmp(step, "map")) {
        char *file = next();
        int fd = open(file, O_RDONLY);
        check(fd < 0, file);
        executable(fd, MAP_PRIVATE);
    } else if (!strcmp(step, "thread")) {
        pthread_t thread;
        check(pthread_create(&thread, NULL, idle, NULL), "pthread_create");
    } else if (!strcmp(step, "spawn")) {
        pthread_t thread;
        check(pthread_create(&thread, NULL, go_on, NULL), "pthread_create");
        pthread_join(thread, NULL);
    } else if (!strcmp(step, "send")) {
        send_descriptor();
    } else if (!strcmp(step, "receive")) {
        receive_descriptor();
    } else {
        const char *name = next();
        check(change(step, name), name);
    }
}

static void all(void) {
    while (*word)
        one(next());
}

int main(int argc, char **argv) {
    word = argv + (argc > 0);
    check(greeting() != 7, "greeting");
    all();
    return 0;
}
