/* What bench/probe.py compiles: it counts what a program asks of malloc when it is preloaded, and
   tells valgrind's callgrind which part of a program to count. Python calls it by ffi or ctypes.

   Bytes are those asked for: neither the allocator's own nor its rounding counts. MicroPython's
   heap is one block, taken at the start; what comes and goes later is the TLS library's, and the
   C library's where a name is looked up. No header of the C library is used, so that gcc -m32
   needs no 32-bit one. */

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#define TOGGLE() CALLGRIND_TOGGLE_COLLECT
#else
#define TOGGLE()
#endif

typedef __SIZE_TYPE__ size;

extern void *__libc_malloc(size);
extern void *__libc_realloc(void *, size);
extern void *__libc_memalign(size, size);
extern void __libc_free(void *);

#define MAGIC ((size)0x6865617021u)
#define ROOM 65536

/* 16 bytes, as malloc aligns, before each block. */
struct head {
    size bytes, magic;
} __attribute__((aligned(16)));

static long live, peak;
static int count = -1; /* of the blocks that are noted; below 0 none is */
static struct block {
    void *address;
    size bytes;
} blocks[ROOM];

static char busy; /* CPython has threads */

static void lock(void) {
    while (__atomic_test_and_set(&busy, __ATOMIC_ACQUIRE))
        ;
}

static void unlock(void) {
    __atomic_clear(&busy, __ATOMIC_RELEASE);
}

static void note(void *address, size bytes) {
    lock();
    live += bytes;
    if (live > peak)
        peak = live;
    if (count >= 0 && count < ROOM)
        blocks[count++] = (struct block){address, bytes};
    unlock();
}

void *malloc(size bytes) {
    struct head *head = __libc_malloc(bytes + sizeof(struct head));
    if (!head)
        return 0;
    *head = (struct head){bytes, MAGIC};
    note(head + 1, bytes);
    return head + 1;
}

void *calloc(size number, size each) {
    size bytes;
    if (__builtin_mul_overflow(number, each, &bytes))
        return 0;
    char *block = malloc(bytes);
    for (volatile char *p = block; block && p < block + bytes; p++)
        *p = 0;
    return block;
}

/* Blocks of memalign, and those from before this library was loaded, have no head. */
static struct head *head_of(void *address) {
    struct head *head = (struct head *)address - 1;
    return head->magic == MAGIC ? head : 0;
}

static void forget(struct head *head) {
    lock();
    live -= head->bytes;
    head->magic = 0;
    for (int i = count - 1; i >= 0; i--)
        if (blocks[i].address == head + 1) {
            blocks[i] = blocks[--count];
            break;
        }
    unlock();
}

void free(void *address) {
    struct head *head;
    if (!address)
        return;
    if ((head = head_of(address))) {
        forget(head);
        address = head;
    }
    __libc_free(address);
}

void *realloc(void *address, size bytes) {
    struct head *head = address ? head_of(address) : 0;
    if (address && !head)
        return __libc_realloc(address, bytes);
    char *block = malloc(bytes);
    if (!block || !head)
        return block;
    for (size i = 0; i < bytes && i < head->bytes; i++)
        ((volatile char *)block)[i] = ((char *)address)[i];
    free(address);
    return block;
}

/* What nothing of TLS asks for is not counted. */
void *memalign(size alignment, size bytes) {
    return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size alignment, size bytes) {
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **found, size alignment, size bytes) {
    return (*found = __libc_memalign(alignment, bytes)) ? 0 : 12; /* ENOMEM */
}

/* What Python calls. */
long heap_live(void) {
    return live;
}

long heap_peak(void) {
    return peak;
}

/* Forget the peak, and note the blocks that are taken from here on. */
void heap_start(void) {
    peak = live;
    count = 0;
}

int heap_blocks(void) {
    return count;
}

long heap_block(int index) {
    return blocks[index].bytes;
}

/* Start or stop counting instructions. */
void work_toggle(void) {
    TOGGLE();
}
