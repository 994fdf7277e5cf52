#pragma once

#define RUSHCAST_VERSION "0.1.0"
