/* countries.h - what a business's country says about it.
 *
 * Backfills 61, 81 and 84 each need a column of this, and must not disagree: a
 * business that writes German and is paid in dollars is a bug that nobody finds.
 * Countries that are not here stay NULL, "not known yet", for a person to fill in.
 * Most people's time zone is taken where a country has several. The rate is that
 * of the receipts' years, and changed once (see backfill 84). */
#ifndef COUNTRIES_H
#define COUNTRIES_H

#define COUNTRIES                                                     \
	"(VALUES ('US', 'America/New_York', 'en', 'USD', 0.00),"      \
	"        ('GB', 'Europe/London', 'en', 'GBP', 20.00),"        \
	"        ('DE', 'Europe/Berlin', 'de', 'EUR', 19.00),"        \
	"        ('FR', 'Europe/Paris', 'fr', 'EUR', 20.00),"         \
	"        ('ES', 'Europe/Madrid', 'es', 'EUR', 21.00),"        \
	"        ('IL', 'Asia/Jerusalem', 'he', 'ILS', 17.00),"       \
	"        ('NL', 'Europe/Amsterdam', 'nl', 'EUR', 21.00),"     \
	"        ('AT', 'Europe/Vienna', 'de', 'EUR', 20.00))"        \
	" AS country (code, timezone, language, currency, vat)"

#endif
