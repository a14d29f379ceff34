/* tracer TID: traces one thread, says so, and lets it run until it ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    pid_t thread = atoi(argv[1]);
    if (ptrace(PTRACE_SEIZE, thread, 0, 0)) {
        fprintf(stderr, "PTRACE_SEIZE: %s\n", strerror(errno));
        return 1;
    }
    printf("seized\n");
    fflush(stdout);
    int status;
    while (waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status))
        ptrace(PTRACE_CONT, thread, 0, status >> 16 ? 0 : WSTOPSIG(status));
    return 0;
}
