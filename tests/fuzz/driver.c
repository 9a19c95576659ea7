/*
 * Runs the seeds of a fuzz target through it, in a build without libFuzzer: what was found once, and mended, stays mended, and a
 * target that no longer works is noticed by "make check". The target's program is called fuzz_NAME, its seeds are the files in
 * tests/fuzz/corpus/NAME of the source folder (or the folders and files that are given as arguments). Each is read into memory of
 * exactly its size, so that sanitizers and valgrind see a read past its end.
 */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int passed, failed;

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    uint8_t *data;
    size_t size;

    if (file == NULL || fstat(fileno(file), &status) != 0 || (data = malloc(status.st_size ? (size_t)status.st_size : 1)) == NULL) {
        perror(path);
        failed++;
        if (file != NULL)
            fclose(file);
        return;
    }
    size = fread(data, 1, (size_t)status.st_size, file);
    if (ferror(file) || size != (size_t)status.st_size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        failed++;
    } else {
        /* the name first: a crash must be found again */
        printf("%s\n", path);
        fflush(stdout);
        (void)LLVMFuzzerTestOneInput(data, size);
        passed++;
    }
    free(data);
    fclose(file);
}

static void run_path(const char *path)
{
    struct dirent **entries = NULL;
    struct stat status;
    int count;

    if (stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
        run_file(path);
        return;
    }
    count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) {
        perror(path);
        failed++;
        return;
    }
    for (int i = 0; i < count; i++) {
        char file[4096];

        if (entries[i]->d_name[0] != '.') {
            if (snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name) < (int)sizeof file)
                run_file(file);
            else
                failed++;
        }
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    const char *name = strstr(argv[0], "fuzz_"), *source = getenv("srcdir");
    char folder[4096];

    for (const char *next = name; next != NULL; next = strstr(next + 1, "fuzz_"))
        name = next;
    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            run_path(argv[i]);
    } else if (name != NULL && snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", source ? source : ".",
                                        name + strlen("fuzz_")) < (int)sizeof folder) {
        run_path(folder);
    }
    if (passed + failed == 0) {
        fprintf(stderr, "%s: no seeds\n", argv[0]);
        failed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? 1 : 0;
}
