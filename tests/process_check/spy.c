/* Code of the attacker's in the allowed program: reads $SPY_FILE there, before the program begins,
 * and says in which program and what came of it. -DWIPE: takes every trace out of the environment. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* It can take the place of the library that the program is linked to, and be an auditor. */
int greeting(void) { return 7; }
unsigned int la_version(unsigned int version) { return version; }

static const char *value(char **environment, const char *name) {
    size_t length = strlen(name);
    for (; *environment; environment++)
        if (!strncmp(*environment, name, length) && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

#ifdef WIPE
static void wipe(char **environment) {
    char text[65536];
    for (char **entry = environment; *entry; entry++)
        if (!strncmp(*entry, "LD_", 3) || !strncmp(*entry, "SPY_", 4))
            memset(*entry, 0, strlen(*entry));
    environment[0] = NULL;
    int fd = open("/proc/self/environ", O_RDONLY);
    ssize_t length = read(fd, text, sizeof text);
    close(fd);
    int seen = length > 0 && memmem(text, length, "LD_", 3) != NULL;
    dprintf(2, "%s\n", seen ? "the environment tells" : "the environment is wiped");
}
#endif

__attribute__((constructor)) static void spy(int argc, char **argv, char **environment) {
    (void)argc, (void)argv;
    char exe[4096] = {0}, text[4096] = {0}, file[4096] = {0};
    const char *named = value(environment, "SPY_FILE");
    if (!named)
        return;
    strncpy(file, named, sizeof file - 1);
    if (readlink("/proc/self/exe", exe, sizeof exe - 1) < 0)
        return;
#ifdef WIPE
    wipe(environment);
#endif
    int fd = open(file, O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
        dprintf(2, "spy in %s: %s\n", exe, strerror(errno));
    else
        dprintf(2, "spy in %s: %s\n", exe, text);
}
