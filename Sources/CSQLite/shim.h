// The system SQLite, and the few calls Swift cannot import: C variadics and function-pointer constants.
#ifndef BETULA_CSQLITE_SHIM_H
#define BETULA_CSQLITE_SHIM_H

#include <sqlite3.h>

#endif
