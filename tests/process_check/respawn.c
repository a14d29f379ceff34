/* respawn PID UID PROGRAM ARGUMENT...: runs a program under a process id that was another's. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 4)
        return 2;
    pid_t wanted = atoi(argv[1]);
    uid_t uid = atoi(argv[2]);
    struct clone_args arguments = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted,
                                   .set_tid_size = 1};
    long child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child < 0) {
        fprintf(stderr, "clone3: %s\n", strerror(errno));
        return 3;
    }
    if (child == 0) {
        if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
            _exit(4);
        execv(argv[3], argv + 3);
        _exit(5);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
