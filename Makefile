# Rushcast. `make help` lists what there is to do. Sources are found by folder: a new file needs no line here.
VARIANT ?= release
CC = $(if $(filter fuzz,$(VARIANT)),clang,gcc)
SHELL = /bin/bash
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
# A line for each thing made; V=1 shows the commands.
SAY = $(if $(V),,@echo "  $(1) $@" &&)

DEPS := .local/deps
OUT := build/$(VARIANT)
GEN := build/gen
SERVICES := ingest feature-store trainer forecast-api

OPTIMISE_release := -O2 -g
OPTIMISE_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# Warnings are gcc's task; clang builds only what libFuzzer runs.
OPTIMISE_fuzz := -O1 -g -w -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
OPTIMISE_tsan := -O1 -g -fsanitize=thread -fno-omit-frame-pointer

PACKAGES := libmicrohttpd jansson libpq rdkafka libmongoc-1.0 libcurl libssl libcrypto libzstd glib-2.0 zlib
ifneq ($(filter-out help run install clean format lint,$(or $(MAKECMDGOALS),all)),)
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null | sed 's/-I/-isystem /g')
PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
endif
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
	-Wwrite-strings -Wvla -Wformat=2 -Wundef -Wnull-dereference
ifdef CI
WARNINGS += -Werror
endif
CFLAGS += -std=gnu17 -D_GNU_SOURCE -fstack-protector-strong $(OPTIMISE_$(VARIANT)) $(WARNINGS)
CPPFLAGS += -I. -Ibuild -isystem $(DEPS)/include $(PACKAGE_CFLAGS)
LDLIBS = -L$(DEPS)/lib -Wl,--as-needed -lh3 -lhiredis -lnanoarrow -lyyjson -lgeos_c $(PACKAGE_LIBS) -lpthread -lm

COMMON_SOURCES := $(wildcard common/*.c)
FORECASTING_SOURCES := $(wildcard services/trainer/forecasting/*.c)
CLI_SOURCES := $(wildcard cli/*.c)
service_sources = $(filter-out $(FORECASTING_SOURCES),$(wildcard services/$(1)/*.c services/$(1)/*/*.c))
objects = $(patsubst %.c,$(OUT)/%.o,$(1))

LIBCOMMON := $(OUT)/libcommon.a
LIBFORECASTING := $(OUT)/libforecasting.a
PROGRAMS := $(OUT)/rushcast $(SERVICES:%=$(OUT)/rushcast-%)

##@ Everyday
.PHONY: help all run test test-real test-faults test-deep bench lint format asan clean install
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

all: $(PROGRAMS) build/rushcast ## build the services and build/rushcast
	@:

run: ## set up whatever is missing and run the whole platform until Ctrl-C (EVENTS=FILE: on a real event file)
	@deploy/install.sh run
	@+$(MAKE) --no-print-directory all
	@exec build/rushcast run $(if $(EVENTS),--events '$(EVENTS)')

test: ## unit, integration and end-to-end tests, built with ASan and UBSan, against servers they start
	@deploy/install.sh test
	@+$(MAKE) --no-print-directory VARIANT=asan test-programs
	@+$(MAKE) --no-print-directory all
	@tests/support/run_tests.sh

test-real: ## checks on real data sets in ../shared/data, where that exists
	@deploy/install.sh test
	@+$(MAKE) --no-print-directory all
	@tests/real/run.sh

test-faults: ## kill -9 of ingest, Postgres and Kafka while a million events flow: every count must be exact
	@deploy/install.sh test
	@+$(MAKE) --no-print-directory all
	@tests/support/run_faults.sh

test-deep: ## the long ones: TSan, fuzzing, faults, scale
	@deploy/install.sh deep
	@+$(MAKE) --no-print-directory VARIANT=asan test-programs
	@+$(MAKE) --no-print-directory VARIANT=fuzz fuzz-programs
	@+$(MAKE) --no-print-directory VARIANT=tsan all
	@tests/support/run_deep.sh

BENCHES := $(patsubst tests/bench/%/run.sh,%,$(wildcard tests/bench/*/run.sh))
bench: $(BENCHES:%=bench-%) ## measure against peers; one JSON line a figure (bench-<group> for one group)
$(BENCHES:%=bench-%): bench-%:
	@deploy/install.sh bench
	@+$(MAKE) --no-print-directory all bench-programs
	@mkdir -p build/bench && set -o pipefail && tests/bench/$*/run.sh | tee build/bench/$*.jsonl

##@ Development
lint: ## static analysis: clang-tidy on the C code, shellcheck on scripts, format check
	@deploy/install.sh lint
	@tests/support/lint.sh

.PHONY: lint-flags
lint-flags: $(SQL_HEADERS)
	@echo $(CPPFLAGS) $(CFLAGS)

format: ## clang-format over the C code, openapi.yaml from api/
	@git ls-files '*.c' '*.h' | xargs clang-format -i
	@.local/venv/bin/python tests/support/bundle_openapi.py

asan: ## build with ASan and UBSan into build/asan
	@+$(MAKE) --no-print-directory VARIANT=asan all

clean: ## remove build/ (servers' data and downloads stay in .local/)
	rm -rf build

install: ## set up packages and libraries for development
	@deploy/install.sh lint

# ---- SQL embedded at build time ------------------------------------------------------------------------------------
SQL_FOLDERS := $(SERVICES:%=services/%) cli
snake = $(subst -,_,$(notdir $(1)))
sql_header = $(GEN)/$(call snake,$(1))_sql.h
sql_object = $(OUT)/gen/$(call snake,$(1))_sql.o
SQL_OBJECTS := $(foreach folder,$(SQL_FOLDERS),$(call sql_object,$(folder)))
SQL_HEADERS := $(foreach folder,$(SQL_FOLDERS),$(call sql_header,$(folder)))
# The folders are prerequisites too, so that a removed file is noticed.
define embed_rules
$(call sql_header,$(1)) $(GEN)/$(call snake,$(1))_sql.c &: deploy/embed_sql.sh $(wildcard $(1)/sql $(1)/sql/*.sql $(1)/migrations $(1)/migrations/*.sql)
	@mkdir -p $(GEN)
	@deploy/embed_sql.sh $(1) $(GEN)
$(call objects,$(wildcard $(1)/*.c $(1)/*/*.c)): | $(call sql_header,$(1))
$(call sql_object,$(1)): $(GEN)/$(call snake,$(1))_sql.c
	@mkdir -p $$(@D)
	$$(call SAY,CC) $$(CC) $$(CPPFLAGS) $$(CFLAGS) -c -o $$@ $$<
endef
$(foreach folder,$(SQL_FOLDERS),$(eval $(call embed_rules,$(folder))))
define service_rules
$(OUT)/rushcast-$(1): $(call objects,$(call service_sources,$(1))) $(call sql_object,$(1)) $(LIBCOMMON)
endef
$(foreach service,$(SERVICES),$(eval $(call service_rules,$(service))))

# ---- JSON embedded at build time: feature views, mappings --------------------------------------------------------------
$(GEN)/feature_views.c: $(wildcard services/feature-store/views/*) deploy/embed_json.sh services/feature-store/views
	@mkdir -p $(GEN)
	@deploy/embed_json.sh array services/feature-store/registry/feature_view.h feature_view_declarations services/feature-store/views >$@
	@deploy/embed_json.sh queries FeatureQuery feature_view_queries services/feature-store/views >>$@
$(GEN)/feature_services.c: $(wildcard services/feature-store/feature_services/*.json) deploy/embed_json.sh services/feature-store/feature_services
	@mkdir -p $(GEN)
	@deploy/embed_json.sh array services/feature-store/registry/feature_service.h feature_service_declarations services/feature-store/feature_services >$@
$(GEN)/entity_mappings.c: $(wildcard services/ingest/mappings/*.json) deploy/embed_json.sh services/ingest/mappings
	@mkdir -p $(GEN)
	@deploy/embed_json.sh texts services/ingest/entities/entity.h entity_mapping_ services/ingest/mappings >$@
$(OUT)/gen/%.o: $(GEN)/%.c
	@mkdir -p $(@D)
	$(call SAY,CC) $(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(OUT)/rushcast-feature-store: $(OUT)/gen/feature_views.o $(OUT)/gen/feature_services.o
$(OUT)/rushcast-ingest: $(OUT)/gen/entity_mappings.o


# ---- Programs --------------------------------------------------------------------------------------------------------
$(OUT)/rushcast-trainer: $(LIBFORECASTING)
$(OUT)/rushcast-trainer $(OUT)/rushcast $(OUT)/unit-tests $(OUT)/integration-tests: LDLIBS += -lxgboost

$(OUT)/rushcast: $(call objects,$(CLI_SOURCES)) $(call sql_object,cli) $(LIBFORECASTING) $(LIBCOMMON)

$(PROGRAMS):
	$(call SAY,LD) $(CC) $(CFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS)

ifeq ($(VARIANT),tsan)
$(PROGRAMS): $(OUT)/tests/support/tsan_threads.o
endif

build/rushcast: $(OUT)/rushcast
	@ln -sf release/rushcast $@

$(LIBCOMMON): $(call objects,$(COMMON_SOURCES))
$(LIBFORECASTING): $(call objects,$(FORECASTING_SOURCES))
$(LIBCOMMON) $(LIBFORECASTING):
	@rm -f $@
	$(call SAY,AR) ar rcs $@ $^

# -MMD leaves out the headers of .local/deps: another pin is another library.
$(OUT)/%.o: %.c deploy/deps/sources.txt
	@mkdir -p $(@D)
	$(call SAY,CC) $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# ---- Tests: everything but each main.c, in one Criterion program per kind ----------------------------------------------
UNIT_SOURCES := $(shell find tests/unit -name '*_test.c' 2>/dev/null)
INTEGRATION_SOURCES := $(shell find tests/integration -name '*.c' 2>/dev/null)
TESTED_SOURCES := $(filter-out %/main.c,$(foreach service,$(SERVICES),$(call service_sources,$(service))) $(CLI_SOURCES))
TESTED := $(call objects,$(TESTED_SOURCES)) $(SQL_OBJECTS) $(OUT)/gen/feature_views.o $(OUT)/gen/feature_services.o $(OUT)/gen/entity_mappings.o $(LIBFORECASTING) $(LIBCOMMON)
$(call objects,$(INTEGRATION_SOURCES) $(UNIT_SOURCES)): | $(SQL_HEADERS)

.PHONY: test-programs bench-programs
test-programs: $(PROGRAMS) $(OUT)/unit-tests $(OUT)/integration-tests fuzz-programs
$(OUT)/unit-tests: $(call objects,$(UNIT_SOURCES)) $(TESTED)
$(OUT)/integration-tests: $(call objects,$(INTEGRATION_SOURCES)) $(TESTED)
$(OUT)/unit-tests $(OUT)/integration-tests:
	$(call SAY,LD) $(CC) $(CFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcriterion $(LDLIBS)

# Fuzz targets: VARIANT=fuzz links them with libFuzzer, the others with a driver that runs their seeds.
FUZZ_PROGRAMS := $(patsubst tests/fuzz/%.c,$(OUT)/%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_PARTS := $(call objects,tests/fuzz/fuzz.c $(if $(filter fuzz,$(VARIANT)),,tests/fuzz/driver.c))
.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_PROGRAMS)
$(OUT)/libtested.a: $(filter %.o,$(TESTED))
	@rm -f $@
	$(call SAY,AR) ar rcs $@ $^
$(FUZZ_PROGRAMS): LDLIBS += -lxgboost
$(FUZZ_PROGRAMS): $(OUT)/%: $(OUT)/tests/fuzz/%.o $(FUZZ_PARTS) $(OUT)/libtested.a $(LIBFORECASTING) $(LIBCOMMON)
	$(call SAY,LD) $(CC) $(CFLAGS) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) -o $@ $^ $(LDLIBS)

BENCH_SOURCES := $(wildcard tests/bench/*/*.c)
BENCH_PROGRAMS := $(BENCH_SOURCES:tests/bench/%.c=build/release/bench/%)
bench-programs: $(BENCH_PROGRAMS)
build/release/bench/features/%: tests/bench/features/%.c $(call objects,$(filter-out %/main.c,$(call service_sources,feature-store))) $(OUT)/gen/feature_store_sql.o $(OUT)/gen/feature_views.o build/release/libcommon.a
	@mkdir -p $(@D)
	$(call SAY,LD) $(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $^ $(LDLIBS)
build/release/bench/%: tests/bench/%.c build/release/libcommon.a
	@mkdir -p $(@D)
	$(call SAY,LD) $(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< build/release/libcommon.a $(LDLIBS)

-include $(shell find build/$(VARIANT) -name '*.d' 2>/dev/null)
