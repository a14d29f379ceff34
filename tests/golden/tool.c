/* The program that the rules of a golden store are about, which is kept in the store: `tool FILE` copies the file
 * to standard output, `tool FILE write` standard input into it. The exit code is the error's number.
 * It needs no library, so that what it maps is the same on every machine. For x86-64. */
static long call(long number, long one, long two, long three) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(one), "S"(two), "d"(three)
                     : "rcx", "r11", "memory");
    return result;
}

enum { READ = 0, WRITE = 1, OPEN = 2, CLOSE = 3, EXIT = 60 };
enum { WRITE_ONLY = 01, CREATE = 0100, TRUNCATE = 01000 };

static long require(long result) {
    if (result < 0)
        call(EXIT, -result, 0, 0);
    return result;
}

static char buffer[65536];

__attribute__((used)) static void entry(long *stack) {
    int writes = stack[0] == 3;
    if (stack[0] < 2)
        call(EXIT, 22, 0, 0);
    long file = require(call(OPEN, stack[2], writes ? WRITE_ONLY | CREATE | TRUNCATE : 0, 0640));
    long from = writes ? 0 : file, to = writes ? file : 1, length;
    while ((length = require(call(READ, from, (long)buffer, sizeof buffer))) > 0)
        for (long done = 0; done < length;)
            done += require(call(WRITE, to, (long)buffer + done, length - done));
    require(call(CLOSE, file, 0, 0));
    call(EXIT, 0, 0, 0);
}

__asm__(".globl _start\n_start:\n mov %rsp, %rdi\n and $-16, %rsp\n call entry\n");
