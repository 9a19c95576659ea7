// good_cxx.cc - a migration in C++17, with the library and an exception inside.
#include <sgrun/plugin.h>

#include <stdexcept>
#include <string>
#include <vector>

SG_MIGRATION("good_cxx", "in C++");

int fingerprint(sg_ctx *sg)
{
	return sg_exists(sg, "SELECT 1 FROM t WHERE a = $1 AND b = $2", SG_ARGS("x", nullptr));
}

int run(sg_ctx *sg)
{
	const std::vector<std::string> names = { "a", "b" };

	try {
		throw std::runtime_error("caught");
	} catch (const std::exception &problem) {
		sg_log(sg, "%s", problem.what());
	}
	for (const auto &name : names)
		sg_ddl(sg, ("CREATE TABLE " + name + " (id bigint)").c_str());
	return SG_OK;
}
