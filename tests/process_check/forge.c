/* Has /proc/self/exe name another program: forge HOW PROGRAM FILE, then reads FILE. HOW is
 *   map     prctl(PR_SET_MM_MAP)
 *   child   the same, by a child in a user namespace of its own that shares this memory
 * (PR_SET_MM_EXE_FILE comes to the same in the kernel, but wants CAP_SYS_RESOURCE),
 * a `+` behind it also maps PROGRAM executable, as if it ran, and a `=` makes all places in memory
 * that /proc tells those in the file ./stat.
 *
 * The kernel wants no mapping of the old program to be left, so everything is done in a library
 * (-DLIBRARY), which the program (-DPROGRAM) only calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sys/syscall.h>
#include <unistd.h>

void forge(char **argv);

#ifdef PROGRAM
int main(int argc, char **argv) {
    if (argc == 4)
        forge(argv);
    return 2;
}
#else

static int other;
static struct prctl_mm_map numbers;

static void fail(const char *what) {
    dprintf(2, "%s: %s\n", what, strerror(errno));
    _exit(1);
}

static void read_numbers(const char *from) {
    char text[4096] = {0}, *field;
    int fd = open(from, O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
        fail("stat");
    close(fd);
    unsigned long long value[53] = {0};
    int number = 2;
    for (field = strrchr(text, ')') + 1; field && number < 52; field = strchr(field + 1, ' '))
        value[++number] = strtoull(field + 1, NULL, 10);
    numbers.start_code = value[26], numbers.end_code = value[27];
    numbers.start_stack = value[28];
    numbers.start_data = value[45], numbers.end_data = value[46];
    numbers.start_brk = numbers.brk = value[47];
    numbers.arg_start = value[48], numbers.arg_end = value[49];
    numbers.env_start = value[50], numbers.env_end = value[51];
    numbers.exe_fd = other;
}

static void unmap_own_program(void) {
    static char text[65536], exe[4096];
    ssize_t length = 0, more;
    if (readlink("/proc/self/exe", exe, sizeof exe - 1) < 0)
        fail("/proc/self/exe");
    int fd = open("/proc/self/maps", O_RDONLY);
    while ((more = read(fd, text + length, sizeof text - 1 - length)) > 0)
        length += more;
    close(fd);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned long start, end;
        char *path = strchr(line, '/');
        if (path && !strcmp(path, exe) && sscanf(line, "%lx-%lx", &start, &end) == 2
            && munmap((void *)start, end - start))
            fail("munmap");
    }
}

static int set_map(void *unused) {
    (void)unused;
    return prctl(PR_SET_MM, PR_SET_MM_MAP, &numbers, sizeof numbers, 0) ? errno : 0;
}

static void by_child(void) {
    int status;
    char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int child = clone(set_map, stack + 65536, CLONE_VM | CLONE_NEWUSER | SIGCHLD, NULL);
    if (child < 0 || waitpid(child, &status, 0) != child)
        fail("clone");
    if (status) {
        errno = WEXITSTATUS(status);
        fail("the child's PR_SET_MM_MAP");
    }
}

static char *to_read;
static char stack_of_thread[65536];

static void tell(void) {
    char text[4096];
    int fd = open(to_read, O_RDONLY);
    if (fd < 0)
        fail(to_read);
    ssize_t length = read(fd, text, sizeof text);
    if (length < 0 || write(1, text, length) != length)
        fail(to_read);
    syscall(SYS_exit_group, 0);
}

/* Once the first thread has ended. */
static int tell_later(void *unused) {
    (void)unused;
    usleep(300000);
    tell();
    return 0;
}

void forge(char **argv) {
    char exe[4096] = {0}, *how = argv[1], *program = argv[2];
    to_read = argv[3];
    setvbuf(stdout, NULL, _IONBF, 0);
    other = open(program, O_RDONLY);
    if (other < 0)
        fail(program);
    read_numbers(strchr(how, '=') ? "stat" : "/proc/self/stat");
    unmap_own_program();
    if (how[0] == 'm' && (errno = set_map(NULL)))
        fail("PR_SET_MM_MAP");
    if (how[0] == 'c')
        by_child();
    if (strchr(how, '+')
        && mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE, other, 0) == MAP_FAILED)
        fail("mmap");
    if (readlink("/proc/self/exe", exe, sizeof exe - 1) < 0)
        fail("/proc/self/exe");
    dprintf(1, "exe %s\n", exe);
    if (strchr(how, '!')) {
        int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
        if (clone(tell_later, stack_of_thread + sizeof stack_of_thread, flags, NULL) < 0)
            fail("clone");
        syscall(SYS_exit, 0);
    }
    tell();
}
#endif
