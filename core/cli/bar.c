/* bar.c - the shared half of render_fill.c and render_build.c; see bar.h. */
#include "config.h"
#include "core/cli/bar.h"

#include "core/base/text.h"

#define WIDE 132
#define CELLS 10
#define CELLS_WIDE 20
#define NAME_LEAST 16

void sg_bar_init(struct sg_bar_piece *pieces, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		sg_buf_init(&pieces[i].text, 0);
		pieces[i].tone = SG_TONE_PLAIN;
	}
}

void sg_bar_release(struct sg_bar_piece *pieces, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sg_buf_release(&pieces[i].text);
}

size_t sg_bar_width(const struct sg_look *look)
{
	return look->width > 0 ? look->width - 1 : SIZE_MAX / 2;
}

size_t sg_bar_name(const struct sg_look *look, const char *name)
{
	size_t chars = sg_look_chars(name), most = look->width / 3 > NAME_LEAST ? look->width / 3 : NAME_LEAST;

	return look->width > 0 && chars > most ? most : chars;
}

void sg_bar_cells(struct sg_buf *out, const struct sg_look *look, int percent)
{
	int cells = look->width == 0 || look->width >= WIDE ? CELLS_WIDE : CELLS, full = percent * cells / 100;

	sg_buf_addc(out, '[');
	for (int i = 0; i < cells; i++)
		sg_buf_addc(out, i < full ? '#' : '.');
	sg_buf_addc(out, ']');
}

size_t sg_bar_columns(const struct sg_bar_piece *pieces, size_t count, size_t name)
{
	size_t sum = 2 + name;

	for (size_t i = 0; i < count; i++)
		if (pieces[i].text.length > 0)
			sum += 2 + sg_text_chars(pieces[i].text.data, pieces[i].text.length);
	return sum;
}

void sg_bar_fit(struct sg_bar_piece *pieces, size_t count, const int *dispensable, size_t dispensables, size_t name, size_t all)
{
	for (size_t i = 0; i < dispensables && sg_bar_columns(pieces, count, name) > all; i++)
		sg_buf_clear(&pieces[dispensable[i]].text);
}

void sg_bar_add_text(struct sg_buf *out, const struct sg_look *look, enum sg_tone tone, const struct sg_buf *text)
{
	if (text->length == 0)
		return;
	sg_buf_adds(out, "  ");
	sg_look_add(out, look, tone, text->data);
}

void sg_bar_add(struct sg_buf *out, const struct sg_look *look, const char *id, size_t name,
                const struct sg_bar_piece *pieces, size_t count)
{
	sg_buf_adds(out, "  ");
	sg_look_field(out, look, SG_TONE_STRONG, id, name, true);
	for (size_t i = 0; i < count; i++)
		sg_bar_add_text(out, look, pieces[i].tone, &pieces[i].text);
}

void sg_bar_cut(struct sg_buf *text, size_t room)
{
	if (sg_text_chars(text->data, text->length) <= room)
		return;
	text->length = room > 3 ? sg_text_offset(text->data, room - 3) : 0;
	text->data[text->length] = '\0';
	if (room > 3)
		sg_buf_adds(text, "...");
}
