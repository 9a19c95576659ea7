/* render_rehearsal_charts.c - the two charts of a rehearsal: how long each table was locked, and the timeline.
 *
 * A chart is a table whose last column is drawn: names and numbers stay text that wraps, can be read aloud and be copied; the
 * drawing stretches with the page, for its places are in hundredths of its width. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/cli/html.h"
#include "core/cli/look.h"
#include "core/cli/markdown.h"
#include "core/cli/render_html.h"

#define BARS_MOST 40
#define LANES_MOST 200
#define LEAST 0.35   /* hundredths: what is shorter is drawn so wide, or it could not be seen */

static double share(int64_t us, int64_t scale)
{
	double part = scale > 0 ? 100.0 * (double)us / (double)scale : 0;

	return part < 0 ? 0 : part > 100 ? 100 : part;
}

/* Never out of the drawing. */
static void add_rect(struct sg_buf *out, const char *class, double x, double width, int y, int height)
{
	if (width < LEAST)
		width = LEAST;
	if (x + width > 100)
		x = 100 - width;
	sg_buf_addf(out, "<rect class=\"%s\" x=\"%.2f%%\" y=\"%d\" width=\"%.2f%%\" height=\"%d\">", class, x, y, width, height);
}

static void add_legend(struct sg_buf *out, const char *class, const char *text)
{
	sg_buf_addf(out, "<li><svg aria-hidden=\"true\"><rect class=\"%s\" width=\"14\" height=\"14\" rx=\"2\"/></svg>", class);
	sg_html_text(out, text);
	sg_buf_adds(out, "</li>\n");
}

/* Of the strengths that some lock has. PostgreSQL documentation, "Explicit Locking", table of conflicts. */
static void add_strengths(struct sg_buf *out, const struct sg_rehearsal *rehearsal)
{
	static const char *const waits[] = {
		NULL, NULL, "RowShareLock: only ExclusiveLock and AccessExclusiveLock wait",
		"RowExclusiveLock: those who index, alter or lock the table wait",
		"ShareUpdateExclusiveLock: other definitions and VACUUM wait", "ShareLock: writers wait",
		"ShareRowExclusiveLock: writers wait", "ExclusiveLock: writers and SELECT … FOR UPDATE wait",
		"AccessExclusiveLock: readers and writers wait",
	};
	bool some[SG_COUNT(waits)] = { false };

	for (size_t i = 0; i < rehearsal->step_count; i++)
		for (size_t k = 0; k < rehearsal->steps[i].held_count; k++)
			if (rehearsal->steps[i].held[k].strength > 1 && rehearsal->steps[i].held[k].strength < (int)SG_COUNT(waits))
				some[rehearsal->steps[i].held[k].strength] = true;
	for (int strength = (int)SG_COUNT(waits) - 1; strength > 1; strength--)
		if (some[strength]) {
			const char class[] = { 's', (char)('0' + strength), '\0' };

			add_legend(out, class, waits[strength]);
		}
}

/* ---- how long each table was locked ------------------------------------------------- */

struct bar {
	const struct sg_rehearsal_held *held;
	const struct sg_rehearsal_step *step;
	const struct sg_rehearsal_held *strongest; /* of its table */
};

static int by_held(const struct sg_rehearsal_held *one, const struct sg_rehearsal_held *other)
{
	if (one->strength != other->strength)
		return one->strength > other->strength ? -1 : 1;
	return one->us != other->us ? (one->us > other->us ? -1 : 1) : 0;
}

/* Table, mode, longest first. */
static int by_table(const void *a, const void *b)
{
	const struct bar *one = a, *other = b;
	int order = strcmp(one->held->relation, other->held->relation);

	return order != 0 ? order : by_held(one->held, other->held);
}

/* Tables by their strongest lock, and within a table likewise. */
static int by_strongest(const void *a, const void *b)
{
	const struct bar *one = a, *other = b;
	int order = by_held(one->strongest, other->strongest);

	return order != 0 ? order : by_table(a, b);
}

/* The longest of each table and mode; *longest_r: of all. */
static size_t collect(const struct sg_rehearsal *rehearsal, struct bar **bars_r, int64_t *longest_r)
{
	struct bar *bars;
	size_t all = 0, count = 0;

	*longest_r = 0;
	for (size_t i = 0; i < rehearsal->step_count; i++)
		all += rehearsal->steps[i].held_count;
	*bars_r = bars = sg_xcalloc(all + 1, sizeof *bars);
	for (size_t i = 0; i < rehearsal->step_count; i++)
		for (size_t k = 0; k < rehearsal->steps[i].held_count; k++)
			bars[count++] = (struct bar){ &rehearsal->steps[i].held[k], &rehearsal->steps[i], NULL };
	qsort(bars, count, sizeof *bars, by_table);
	all = count;
	count = 0;
	for (size_t i = 0; i < all; i++) {
		struct bar *last = count > 0 ? &bars[count - 1] : NULL;
		bool same = last != NULL && strcmp(last->held->relation, bars[i].held->relation) == 0;

		if (same && last->held->strength == bars[i].held->strength)
			continue;
		bars[i].strongest = same ? last->strongest : bars[i].held;
		if (bars[i].held->us > *longest_r)
			*longest_r = bars[i].held->us;
		bars[count++] = bars[i];
	}
	qsort(bars, count, sizeof *bars, by_strongest);
	return count;
}

static void add_bar(struct sg_buf *out, const struct bar *bar, int64_t longest)
{
	const char class[] = { 's', (char)('0' + bar->held->strength % 10), '\0' };

	sg_buf_adds(out, "<div class=\"bar\"><svg height=\"14\" role=\"img\"><title>");
	sg_html_text(out, bar->held->relation);
	sg_buf_addf(out, ": %s, ", bar->held->mode);
	sg_md_time(out, bar->held->us);
	sg_buf_adds(out, "</title>");
	add_rect(out, class, 0, share(bar->held->us, longest), 0, 14);
	sg_buf_adds(out, "</rect></svg><span class=\"soft\">");
	sg_html_text(out, bar->held->mode);
	sg_buf_adds(out, ", <strong>");
	sg_md_time(out, bar->held->us);
	sg_buf_adds(out, "</strong> in ");
	sg_html_code(out, bar->step->step->id);
	sg_buf_addf(out, ", taken by statement %zu</span></div>\n", bar->held->statement + 1);
}

void sg_html_locks(struct sg_buf *out, const struct sg_rehearsal *rehearsal)
{
	struct bar *bars;
	int64_t longest;
	size_t count = collect(rehearsal, &bars, &longest), i = 0;

	sg_buf_adds(out, "<section>\n<h2 id=\"locks\">Locks by table</h2>\n");
	if (count == 0) {
		struct sg_buf text = SG_BUF_INIT;

		sg_render_rehearsal_locks(&text, rehearsal);
		sg_html_markdown(out, text.data);
		sg_buf_release(&text);
	} else {
		sg_buf_adds(out, "<ul class=\"legend\" aria-label=\"Colours\">\n");
		add_strengths(out, rehearsal);
		sg_buf_adds(out, "</ul>\n<table class=\"chart\">\n<caption>How long a step held each table at the longest, by the mode of its"
		                 " strongest lock; the strongest first.</caption>\n<thead><tr><th scope=\"col\">Table</th>"
		                 "<th scope=\"col\">Held</th></tr></thead>\n<tbody>\n");
		while (i < count && i < BARS_MOST) {
			const char *table = bars[i].held->relation;

			sg_buf_adds(out, "<tr><th scope=\"row\">");
			sg_html_code(out, table);
			sg_buf_adds(out, "</th><td>\n");
			for (; i < count && strcmp(bars[i].held->relation, table) == 0; i++)
				add_bar(out, &bars[i], longest);
			sg_buf_adds(out, "</td></tr>\n");
		}
		sg_buf_adds(out, "</tbody>\n</table>\n");
		if (i < count) {
			sg_buf_adds(out, "<p class=\"soft\">And of weaker or shorter ones ");
			sg_look_number(out, (int64_t)(count - i));
			sg_buf_adds(out, " more, with their steps.</p>\n");
		}
		sg_buf_adds(out, "<details><summary>The strongest locks as a table</summary>\n");
		{
			struct sg_buf text = SG_BUF_INIT;

			sg_render_rehearsal_locks(&text, rehearsal);
			sg_html_markdown(out, text.data);
			sg_buf_release(&text);
		}
		sg_buf_adds(out, "</details>\n");
	}
	sg_buf_adds(out, "</section>\n");
	free(bars);
}

/* ---- a lane: a step's statements, and what it held ------------------------------------ */

/* Where its statements begin, and where all of it ends, from the first statement on. What was held ends at COMMIT, so a statement
 * that took a lock began so long before it; the others follow the one before. */
static int64_t place(const struct sg_rehearsal_step *step, int64_t *starts)
{
	int64_t at = 0, end = 0;

	for (size_t i = 0; i < step->statement_count; i++) {
		starts[i] = at;
		at += step->statements[i].us;
	}
	end = at;
	for (size_t k = 0; k < step->held_count; k++)
		if (step->held[k].statement < step->statement_count && starts[step->held[k].statement] + step->held[k].us > end)
			end = starts[step->held[k].statement] + step->held[k].us;
	if (step->outside)
		return end;
	at = 0;
	for (size_t i = 0; i < step->statement_count; i++) {
		for (size_t k = 0; k < step->held_count; k++)
			if (step->held[k].statement == i && end - step->held[k].us > at)
				at = end - step->held[k].us;
		starts[i] = at;
		at += step->statements[i].us;
	}
	return at > end ? at : end;
}

static int64_t length_of(const struct sg_rehearsal_step *step)
{
	int64_t *starts = sg_xcalloc(step->statement_count + 1, sizeof *starts), end = place(step, starts);

	free(starts);
	return end;
}

static void add_names(struct sg_buf *out, const char *verb, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		sg_buf_addf(out, "%s", i == 0 ? verb : ", ");
		sg_html_text(out, names[i]);
	}
}

static void add_box(struct sg_buf *out, const struct sg_rehearsal_statement *statement, size_t number, double x, double width, int y,
                    int height)
{
	const char *class = statement->rewritten_count > 0 ? "box rewrite" : statement->scanned_count > 0 ? "box scan" : "box";

	add_rect(out, class, x, width, y, height);
	sg_buf_addf(out, "<title>%zu. ", number);
	sg_html_text(out, statement->kind != NULL ? statement->kind : "");
	sg_buf_adds(out, ", ");
	sg_md_time(out, statement->us);
	add_names(out, "; rewritten: ", statement->rewritten, statement->rewritten_count);
	add_names(out, "; scanned: ", statement->scanned, statement->scanned_count);
	sg_buf_adds(out, "</title></rect>");
}

/* What was held, the weakest first: the strongest is seen. */
static void add_held(struct sg_buf *out, const struct sg_rehearsal_step *step, const int64_t *starts, int64_t scale, int height)
{
	for (int strength = 1; strength <= 8; strength++)
		for (size_t k = 0; k < step->held_count; k++) {
			const struct sg_rehearsal_held *held = &step->held[k];
			char class[] = { 'h', 'e', 'l', 'd', ' ', 's', (char)('0' + strength), '\0' };

			if (held->strength != strength || held->statement >= step->statement_count)
				continue;
			add_rect(out, class, share(starts[held->statement], scale), share(held->us, scale), 0, height);
			sg_buf_addf(out, "<title>%s on ", held->mode);
			sg_html_text(out, held->relation);
			sg_buf_adds(out, " for ");
			sg_md_time(out, held->us);
			sg_buf_adds(out, "</title></rect>");
		}
}

/* "3 statements, 12.1 ms until COMMIT; AccessExclusiveLock on leads for 8.2 ms" */
static void add_said(struct sg_buf *out, const struct sg_rehearsal_step *step)
{
	sg_html_text(out, step->step->id);
	sg_buf_adds(out, ": ");
	sg_md_count(out, step->statement_count, "statement");
	if (step->held_count > 0) {
		sg_buf_addf(out, "; the strongest lock %s on ", step->held[0].mode);
		sg_html_text(out, step->held[0].relation);
		sg_buf_adds(out, " for ");
		sg_md_time(out, step->held[0].us);
	}
}

static void add_lane(struct sg_buf *out, const struct sg_rehearsal_step *step, int64_t scale, int height)
{
	int64_t *starts = sg_xcalloc(step->statement_count + 1, sizeof *starts);

	(void)place(step, starts);
	sg_buf_addf(out, "<svg class=\"lane\" height=\"%d\" role=\"img\"><title>", height);
	add_said(out, step);
	sg_buf_adds(out, "</title>");
	add_held(out, step, starts, scale, height);
	for (size_t i = 0; i < step->statement_count; i++)
		add_box(out, &step->statements[i], i + 1, share(starts[i], scale), share(step->statements[i].us, scale), height / 4,
		        height / 2);
	sg_buf_adds(out, "</svg>");
	free(starts);
}

/* ---- the axis -------------------------------------------------------------------------- */

/* 1, 2 or 5 times a power of ten: at most five of them. */
static int64_t tick_of(int64_t scale)
{
	int64_t tick = 1;

	while (tick * 5 < scale) {
		int64_t first = tick;

		while (first >= 10)
			first /= 10;
		tick = first == 2 ? tick / 2 * 5 : tick * 2;
	}
	return tick;
}

static void add_tick_text(struct sg_buf *out, int64_t us)
{
	if (us == 0)
		sg_buf_adds(out, "0");
	else if (us < 1000)
		sg_buf_addf(out, "%d us", (int)us);
	else if (us < 1000000)
		sg_buf_addf(out, "%g ms", (double)us / 1000);
	else if (us < 300000000)
		sg_buf_addf(out, "%g s", (double)us / 1000000);
	else
		sg_md_time(out, us);
}

static void add_axis(struct sg_buf *out, int64_t scale)
{
	int64_t tick = tick_of(scale);

	sg_buf_adds(out, "<svg height=\"22\" aria-hidden=\"true\">");
	for (int64_t at = 0; at <= scale; at += tick) {
		double x = share(at, scale);

		sg_buf_addf(out, "<line class=\"rule\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"0\" y2=\"5\"/>", x, x);
		sg_buf_addf(out, "<text x=\"%.2f%%\" y=\"18\" text-anchor=\"%s\">", x, at == 0 ? "start" : x > 93 ? "end" : "middle");
		add_tick_text(out, at);
		sg_buf_adds(out, "</text>");
	}
	sg_buf_adds(out, "</svg>");
}

void sg_html_lane(struct sg_buf *out, const struct sg_rehearsal_step *step)
{
	int64_t length = length_of(step);

	if (step->statement_count == 0 || length == 0)
		return;
	sg_buf_adds(out, "<div class=\"own\">");
	add_lane(out, step, length, 28);
	add_axis(out, length);
	sg_buf_adds(out, "</div>\n");
}

/* ---- the timeline ----------------------------------------------------------------------- */

/* What a step's lane is long: until COMMIT; of a backfill, which holds nothing from batch to batch, all of it. */
static int64_t drawn(const struct sg_rehearsal_step *step)
{
	return step->step->kind == SG_STEP_BACKFILL ? step->us : length_of(step);
}

static void add_whole(struct sg_buf *out, const struct sg_rehearsal *rehearsal)
{
	static const char *const classes[] = { [SG_STEP_MIGRATION] = "migration", [SG_STEP_INDEX] = "index", [SG_STEP_BACKFILL] = "backfill" };
	int64_t all = 0, at = 0, by[SG_COUNT(classes)] = { 0 };

	for (size_t i = 0; i < rehearsal->step_count; i++) {
		all += rehearsal->steps[i].us;
		by[rehearsal->steps[i].step->kind] += rehearsal->steps[i].us;
	}
	if (all == 0)
		return;
	sg_buf_adds(out, "<p class=\"soft\">All steps in their order: ");
	sg_md_time(out, all);
	sg_buf_adds(out, "; the rest of the time the server was made, filled and looked at.</p>\n<svg height=\"20\" role=\"img\"><title>"
	                 "The time of each step</title>");
	for (size_t i = 0; i < rehearsal->step_count; i++) {
		const struct sg_rehearsal_step *step = &rehearsal->steps[i];

		if (step->us > 0) {
			sg_buf_addf(out, "<rect class=\"%s\" x=\"%.2f%%\" y=\"0\" width=\"%.2f%%\" height=\"20\"><title>",
			            classes[step->step->kind], share(at, all), share(step->us, all));
			sg_html_text(out, step->step->id);
			sg_buf_adds(out, ", ");
			sg_md_time(out, step->us);
			sg_buf_adds(out, "</title></rect>");
		}
		at += step->us;
	}
	sg_buf_adds(out, "</svg>\n");
	add_axis(out, all);
	sg_buf_adds(out, "<ul class=\"legend\">");
	for (size_t kind = 0; kind < SG_COUNT(classes); kind++) {
		struct sg_buf text = SG_BUF_INIT;

		if (classes[kind] == NULL || by[kind] == 0)
			continue;
		sg_buf_addf(&text, "%s: ", sg_step_kind_name((enum sg_step_kind)kind));
		sg_md_time(&text, by[kind]);
		add_legend(out, classes[kind], text.data);
		sg_buf_release(&text);
	}
	sg_buf_adds(out, "</ul>\n");
}

static bool has_marks(const struct sg_rehearsal_step *step)
{
	for (size_t i = 0; i < step->statement_count; i++)
		if (step->statements[i].rewritten_count + step->statements[i].scanned_count > 0)
			return true;
	return false;
}

static void add_marks(struct sg_buf *out, const struct sg_rehearsal_step *step)
{
	size_t rewrites = 0, scans = 0;

	for (size_t i = 0; i < step->statement_count; i++) {
		rewrites += step->statements[i].rewritten_count;
		scans += step->statements[i].scanned_count;
	}
	if (rewrites > 0)
		sg_md_count(out, rewrites, "rewrite");
	if (rewrites > 0 && scans > 0)
		sg_buf_adds(out, ", ");
	if (scans > 0)
		sg_md_count(out, scans, "full scan");
	if (rewrites + scans == 0)
		sg_buf_addc(out, '-');
}

static const char *time_head(enum sg_step_kind kind)
{
	return kind == SG_STEP_MIGRATION ? "Until COMMIT" : "Time";
}

static void add_lane_row(struct sg_buf *out, const struct sg_rehearsal_step *step, size_t number, int64_t scale)
{
	/* of an index there is mostly no more to be read */
	bool linked = step->step->kind == SG_STEP_MIGRATION && step->statement_count > 0;

	sg_buf_adds(out, "<tr><th scope=\"row\">");
	if (linked)
		sg_buf_addf(out, "<a href=\"#step-%zu\">", number);
	sg_html_code(out, step->step->id);
	sg_buf_addf(out, "%s</th><td class=\"number\" data-head=\"%s\"><div>", linked ? "</a>" : "",
	            time_head(step->step->kind));
	sg_md_time(out, drawn(step));
	sg_buf_adds(out, has_marks(step) ? "</div></td><td data-head=\"Seen\"><div>" : "</div></td><td class=\"none\"><div>");
	add_marks(out, step);
	sg_buf_adds(out, "</div></td><td class=\"plot\">");
	if (step->statement_count > 0) {
		add_lane(out, step, scale, 20);
	} else {
		sg_buf_adds(out, "<svg class=\"lane\" height=\"20\" role=\"img\"><title>");
		add_said(out, step);
		sg_buf_adds(out, "</title>");
		add_rect(out, "backfill", 0, share(step->us, scale), 5, 10);
		sg_buf_adds(out, "</rect></svg>");
	}
	sg_buf_adds(out, "</td></tr>\n");
}

static void add_lanes(struct sg_buf *out, const struct sg_rehearsal *rehearsal, enum sg_step_kind kind, const char *head,
                      const char *caption)
{
	size_t count = 0, listed = 0;
	int64_t scale = 0;

	for (size_t i = 0; i < rehearsal->step_count; i++)
		if (rehearsal->steps[i].step->kind == kind && drawn(&rehearsal->steps[i]) > 0) {
			count++;
			if (drawn(&rehearsal->steps[i]) > scale)
				scale = drawn(&rehearsal->steps[i]);
		}
	if (count == 0)
		return;
	sg_buf_addf(out, "<h3>%s</h3>\n<table class=\"chart\">\n<caption>%s</caption>\n<thead><tr><th scope=\"col\">Step</th>"
	                 "<th scope=\"col\" class=\"number\">%s</th><th scope=\"col\">Seen</th><th scope=\"col\">",
	            head, caption, time_head(kind));
	add_axis(out, scale);
	sg_buf_adds(out, "<span class=\"unseen\">Timeline</span></th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < rehearsal->step_count && listed < LANES_MOST; i++)
		if (rehearsal->steps[i].step->kind == kind && drawn(&rehearsal->steps[i]) > 0) {
			add_lane_row(out, &rehearsal->steps[i], i + 1, scale);
			listed++;
		}
	sg_buf_adds(out, "</tbody>\n</table>\n");
	if (listed < count) {
		sg_buf_adds(out, "<p class=\"soft\">And ");
		sg_look_number(out, (int64_t)(count - listed));
		sg_buf_adds(out, " more, with the steps below.</p>\n");
	}
}

void sg_html_timeline(struct sg_buf *out, const struct sg_rehearsal *rehearsal)
{
	sg_buf_adds(out, "<section>\n<h2 id=\"timeline\">Timeline</h2>\n");
	add_whole(out, rehearsal);
	sg_buf_adds(out, "<ul class=\"legend\" aria-label=\"Colours\">\n");
	add_legend(out, "box", "a statement");
	add_legend(out, "box scan", "one that read a table from end to end");
	add_legend(out, "box rewrite", "one that rewrote a table");
	add_legend(out, "held s8", "behind it: locks, in the colours of the chart above");
	sg_buf_adds(out, "</ul>\n");
	add_lanes(out, rehearsal, SG_STEP_MIGRATION, "Migrations",
	          "Each from its first statement to COMMIT: a lock lasts until there, however short the statement that took it.");
	add_lanes(out, rehearsal, SG_STEP_INDEX, "Indexes",
	          "Built concurrently, outside of any transaction: readers and writers go on.");
	add_lanes(out, rehearsal, SG_STEP_BACKFILL, "Backfills", "In batches, each in a transaction of its own.");
	sg_buf_adds(out, "</section>\n");
}
