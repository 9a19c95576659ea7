/* pages.h - what must hold of every page in HTML. */
#ifndef TESTS_PAGES_H
#define TESTS_PAGES_H

#include <stdbool.h>

/* Is every tag closed in its turn, every attribute in double quotes, no '<' or '&' alone? Otherwise where it is not. */
const char *page_fault(const char *html);
/* It fetches nothing: no script, link, image, address, import. */
bool page_is_alone(const char *html);

#endif
