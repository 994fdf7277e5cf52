#pragma once

#define RUSHCAST_VERSION "0.2.0"
