/*
 * The reader of a plugin's file: right on real ones, and never more than a verdict on damaged ones. Also: what our plugins export.
 */
#include "config.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/process/elf.h"
#include "tests/kit/test.h"

/* The bytes of a file in memory of just that size. */
static unsigned char *read_file(const char *path, size_t *size_r)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes;
    long size;

    T_MUST_NOT_NULL(file);
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    bytes = malloc((size_t)size);
    *size_r = fread(bytes, 1, (size_t)size, file);
    fclose(file);
    return bytes;
}

static unsigned char *read_zoo(const char *plugin, size_t *size_r)
{
    return read_file(sg_test_built(sg_test_strf("tests/plugins/.libs/%s.so", plugin)), size_r);
}

SG_TEST(what_a_plugin_needs_is_read)
{
    struct sg_elf elf;
    size_t size;
    unsigned char *bytes = read_zoo("needs_libpq", &size);
    bool found = false;

    T_EQ_STR(sg_elf_read(bytes, size, &elf), NULL);
    for (size_t i = 0; i < elf.count; i++)
        found |= strcmp(elf.needed[i], "libpq.so.5") == 0;
    T_TRUE(found);
    free(bytes);
    bytes = read_zoo("good_cxx", &size);
    found = false;
    T_EQ_STR(sg_elf_read(bytes, size, &elf), NULL);
    for (size_t i = 0; i < elf.count; i++)
        found |= strcmp(elf.needed[i], "libstdc++.so.6") == 0;
    T_TRUE(found);
    free(bytes);
}

SG_TEST(what_is_no_shared_object_is_said)
{
    struct sg_elf elf;
    size_t size;
    unsigned char *bytes = read_zoo("good_ddl", &size);
    ElfW(Ehdr) header;

    T_EQ_STR(sg_elf_read("", 0, &elf), "is empty");
    T_EQ_STR(sg_elf_read("#!/bin/sh\n", 10, &elf), "is not an ELF file");
    T_EQ_STR(sg_elf_read("\177EL", 3, &elf), "is not an ELF file");
    T_EQ_STR(sg_elf_read("\177ELF", 4, &elf), "is cut short: its ELF header is not whole");
    memcpy(&header, bytes, sizeof header);
    header.e_machine = header.e_machine == EM_S390 ? EM_ARM : EM_S390;
    memcpy(bytes, &header, sizeof header);
    T_EQ_STR(sg_elf_read(bytes, size, &elf), "is an ELF file for another kind of machine");
    free(bytes);
    bytes = read_zoo("good_ddl", &size);
    memcpy(&header, bytes, sizeof header);
    header.e_type = ET_EXEC;
    memcpy(bytes, &header, sizeof header);
    T_EQ_STR(sg_elf_read(bytes, size, &elf), "is a program, not a shared object");
    header.e_type = ET_REL;
    memcpy(bytes, &header, sizeof header);
    T_EQ_STR(sg_elf_read(bytes, size, &elf), "is an object file (.o), not a shared object");
    header.e_type = ET_DYN;
    header.e_phoff = UINT64_MAX - 8;
    memcpy(bytes, &header, sizeof header);
    T_CONTAINS(sg_elf_read(bytes, size, &elf), "its program headers lie outside the file");
    free(bytes);
}

/* Whatever the verdict: nothing outside the bytes is read (the sanitizers and valgrind watch), all names lie inside. */
static void must_be_safe(const unsigned char *bytes, size_t size)
{
    struct sg_elf elf;
    const char *problem = sg_elf_read(bytes, size, &elf);

    if (problem != NULL)
        return;
    for (size_t i = 0; i < elf.count; i++) {
        const unsigned char *name = (const unsigned char *)elf.needed[i];

        T_MUST(name > bytes && name < bytes + size);
        T_MUST(memchr(name, '\0', (size_t)(bytes + size - name)) != NULL);
    }
}

SG_TEST(every_truncation_is_refused)
{
    size_t size, whole = 0, step;
    unsigned char *bytes = read_zoo("needs_libpq", &size);

    for (size_t length = 0; length < size; length += step) {
        unsigned char *cut = malloc(length > 0 ? length : 1);
        struct sg_elf elf;

        memcpy(cut, bytes, length);
        if (sg_elf_read(cut, length, &elf) == NULL)
            whole++;
        must_be_safe(cut, length);
        free(cut);
        step = length < 2048 ? 1 : 61;
    }
    /* only section headers and symbols, which nobody loads, may be missing */
    T_LT_INT(whole, size / 61);
    free(bytes);
}

SG_TEST(no_flipped_byte_does_harm)
{
    size_t size;
    unsigned char *bytes = read_zoo("needs_libpq", &size);
    ElfW(Ehdr) header;

    memcpy(&header, bytes, sizeof header);
    for (size_t at = 0; at < size; at++) {
        unsigned char kept = bytes[at];

        if (at > sizeof header + header.e_phnum * sizeof(ElfW(Phdr)) && at % 7 != 0)
            continue;
        for (int i = 0; i < 4; i++) {
            bytes[at] = (unsigned char)(i == 0 ? 0 : i == 1 ? 0xFF : i == 2 ? kept ^ 0x80 : kept + 1);
            must_be_safe(bytes, size);
        }
        bytes[at] = kept;
    }
    for (int round = 0; round < 20000; round++) {
        size_t where[4];
        unsigned char kept[4];

        for (int i = 0; i < 4; i++) {
            where[i] = sg_test_rand(i < 2 ? 1024 : size);
            kept[i] = bytes[where[i]];
            bytes[where[i]] = (unsigned char)sg_test_rand(256);
        }
        must_be_safe(bytes, size);
        for (int i = 3; i >= 0; i--)
            bytes[where[i]] = kept[i];
    }
    T_NULL(sg_elf_read(bytes, size, &(struct sg_elf){{0}, 0}));
    free(bytes);
}

SG_TEST(libraries_are_told_apart)
{
    static const char *const common[] = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2",
                                         "ld-linux-aarch64.so.1"};
    static const char *const others[] = {"libcrypt.so.1", "libc++.so.1", "libpq.so.5", "libmvec.so.1", "/tmp/libc.so.6", "libc",
                                         "libc.soup", "xlibc.so.6", ""};

    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
        T_TRUE(sg_elf_is_common(common[i]));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        T_FALSE(sg_elf_is_common(others[i]));
    T_TRUE(sg_elf_is_named("libz.so.1", "libz.so.1"));
    T_TRUE(sg_elf_is_named("libz.so.1", "libz"));
    T_FALSE(sg_elf_is_named("libz.so.1", "lib"));
    T_FALSE(sg_elf_is_named("libzstd.so.1", "libz"));
    T_FALSE(sg_elf_is_named("/tmp/libz.so", "/tmp/libz"));
    T_TRUE(sg_elf_is_named("/tmp/libz.so", "/tmp/libz.so"));
}

/* The names that a shared object defines for others, from its section headers; sorted, joined by blanks. */
static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *exports(const char *path)
{
    size_t size, count = 0;
    unsigned char *bytes = read_file(path, &size);
    ElfW(Ehdr) header;
    const char *names[64], *list = "";

    memcpy(&header, bytes, sizeof header);
    for (size_t i = 0; i < header.e_shnum; i++) {
        ElfW(Shdr) section, strings;

        memcpy(&section, bytes + header.e_shoff + i * sizeof section, sizeof section);
        if (section.sh_type != SHT_DYNSYM)
            continue;
        memcpy(&strings, bytes + header.e_shoff + section.sh_link * sizeof strings, sizeof strings);
        for (size_t k = 0; k < section.sh_size / sizeof(ElfW(Sym)); k++) {
            ElfW(Sym) symbol;

            memcpy(&symbol, bytes + section.sh_offset + k * sizeof symbol, sizeof symbol);
            if (symbol.st_shndx != SHN_UNDEF && count < 64)
                names[count++] = sg_test_strf("%s", (const char *)bytes + strings.sh_offset + symbol.st_name);
        }
    }
    free(bytes);
    qsort(names, count, sizeof names[0], by_name);
    for (size_t i = 0; i < count; i++)
        list = sg_test_strf("%s%s%s", list, i > 0 ? " " : "", names[i]);
    return list;
}

SG_TEST(plugins_export_their_entries_only)
{
#ifdef SG_INSTRUMENTED
    T_SKIP("instrumentation exports names of its own");
#endif
    T_EQ_STR(exports(sg_test_built("tests/plugins/.libs/good_all.so")), "fingerprint run sg_plugin");
    T_EQ_STR(exports(sg_test_built("tests/plugins/.libs/good_backfill.so")), "backfill_batch fingerprint sg_plugin");
    T_EQ_STR(exports(sg_test_built("migrations/.libs/0096_lead_name.so")), "fingerprint run sg_plugin");
    T_EQ_STR(exports(sg_test_built("migrations/.libs/0080_messages_channel.so")), "fingerprint run sg_plugin");
}

static const struct sg_test elf[] = {SG_CASE(what_a_plugin_needs_is_read), SG_CASE(what_is_no_shared_object_is_said),
                                     SG_CASE(every_truncation_is_refused), SG_CASE(no_flipped_byte_does_harm),
                                     SG_CASE(libraries_are_told_apart),    SG_CASE(plugins_export_their_entries_only),
                                     SG_CASES_END};
static const struct sg_suite suites[] = {{"elf", elf}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
