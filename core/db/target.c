/* target.c - from one connection string to the list of places to try.
 *
 * host, hostaddr and port are lists of the same length, or port is a single one
 * for all (libpq, "Specifying Multiple Hosts"). */
#include "config.h"
#include "core/db/conninfo.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

/* The index-th entry of a comma list; of a list with one entry always that one
 * if repeat. NULL if it is empty or not there. */
static const char *entry(struct sg_arena *arena, const char *list, size_t index, bool repeat)
{
	size_t length;

	if (list == NULL)
		return NULL;
	if (repeat && strchr(list, ',') == NULL)
		index = 0;
	for (; index > 0; index--) {
		list = strchr(list, ',');
		if (list == NULL)
			return NULL;
		list++;
	}
	length = strcspn(list, ",");
	return length == 0 ? NULL : sg_arena_strndup(arena, list, length);
}

static size_t entries(const char *list)
{
	size_t count = 1;

	for (; list != NULL && (list = strchr(list, ',')) != NULL; list++)
		count++;
	return count;
}

struct list {
	struct sg_target *items;
	size_t count, capacity;
};

static void add(struct list *list, struct sg_arena *arena, const struct sg_dsn *dsn, const char *host,
                const char *address, const char *port)
{
	const char **keywords, **values;
	struct sg_target *target;
	size_t count = 0, n = 0;

	while (dsn->keywords[count] != NULL)
		count++;
	keywords = sg_arena_array(arena, count + 4, sizeof *keywords);
	values = sg_arena_array(arena, count + 4, sizeof *values);
	for (size_t i = 0; i < count; i++) {
		const char *keyword = dsn->keywords[i];

		if (strcmp(keyword, "host") == 0 || strcmp(keyword, "hostaddr") == 0 || strcmp(keyword, "port") == 0)
			continue;
		keywords[n] = keyword;
		values[n++] = dsn->values[i];
	}
#define PUT(key, val) do { if ((val) != NULL) { keywords[n] = (key); values[n++] = (val); } } while (0)
	PUT("host", host);
	PUT("hostaddr", address);
	PUT("port", port);
#undef PUT
	list->items = sg_arena_grow(arena, list->items, &list->capacity, list->count + 1, sizeof *list->items);
	target = &list->items[list->count++];
	target->keywords = keywords;
	target->values = values;
	target->text = sg_arena_printf(arena, "%s%s%s%s%s%s", host ? host : address ? address : "the local socket",
	                               port ? ":" : "", port ? port : "", host && address ? " (" : "",
	                               host && address ? address : "", host && address ? ")" : "");
}

/* A name with one address is left to libpq; one with several becomes several targets. */
static void add_addresses(struct list *list, struct sg_arena *arena, const struct sg_dsn *dsn, const char *host,
                          const char *port)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *found = NULL;
	char address[NI_MAXHOST];

	if (getaddrinfo(host, NULL, &hints, &found) != 0 || found == NULL || found->ai_next == NULL) {
		add(list, arena, dsn, host, NULL, port);
	} else {
		for (struct addrinfo *a = found; a != NULL; a = a->ai_next)
			if (getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST) == 0)
				add(list, arena, dsn, host, sg_arena_strdup(arena, address), port);
	}
	if (found != NULL)
		freeaddrinfo(found);
}

size_t sg_dsn_targets(const struct sg_dsn *dsn, struct sg_arena *arena, struct sg_target **targets_r)
{
	const char *hosts = sg_dsn_get(dsn, "host"), *addresses = sg_dsn_get(dsn, "hostaddr");
	const char *ports = sg_dsn_get(dsn, "port");
	size_t count = entries(addresses != NULL ? addresses : hosts);
	struct list list = { NULL, 0, 0 };

	/* Lists that do not match are libpq's to refuse. */
	if ((addresses != NULL && hosts != NULL && entries(hosts) != count) ||
	    (entries(ports) != 1 && entries(ports) != count)) {
		add(&list, arena, dsn, hosts, addresses, ports);
		*targets_r = list.items;
		return list.count;
	}
	for (size_t i = 0; i < count; i++) {
		const char *host = entry(arena, hosts, i, false), *address = entry(arena, addresses, i, false);
		const char *port = entry(arena, ports, i, true);

		if (host == NULL || address != NULL || host[0] == '/' || host[0] == '@')
			add(&list, arena, dsn, host, address, port);
		else
			add_addresses(&list, arena, dsn, host, port);
	}
	*targets_r = list.items;
	return list.count;
}
