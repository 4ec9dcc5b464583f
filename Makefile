# The front door. Every target first runs scripts/setup.sh, which brings what is missing or says what to run.
# Work on Mneme itself goes through CMake's presets: cmake --preset dev && cmake --build --preset dev && ctest --preset dev
BUILD  := build/release
JOBS   ?= $(shell env -u OMP_NUM_THREADS nproc)
PREFIX ?= /usr/local
RUNS   ?= 1000000
SEEDS  ?= 5
SETUP  := scripts/setup.sh
CONFIGURE = cmake --preset $(1) $(if $(MNEME_TORCH_DIR),-DMNEME_TORCH_DIR="$(MNEME_TORCH_DIR)") $(CMAKE_ARGS) > build/$(1).log || { cat build/$(1).log; exit 1; }

# A developer's data folder beside the checkout; tests that want full data sets use it, nothing needs it.
ifndef MNEME_DATA
ifneq ($(wildcard ../shared/data),)
export MNEME_DATA := $(abspath ../shared/data)
endif
endif

.PHONY: help build demo test science install bench fuzz asan check clean distclean
.DEFAULT_GOAL := build

help: ## say what there is to make
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'
	@echo "Variables: JOBS, CMAKE_ARGS, MNEME_TORCH_DIR (a torch of your own), MNEME_APT=0 (install no packages)"

build: ## build the command, build/release/mneme
	@$(SETUP)
	@mkdir -p build
	@$(call CONFIGURE,release)
	cmake --build $(BUILD) -j $(JOBS) --target mneme_cli

demo: build ## build, run the demo, say where its report is
	$(BUILD)/mneme run demo
	@ls -t runs/*/*/report.html | sed -n '1s/^/report: /p'

test: build ## build everything and run all tests
	cmake --build $(BUILD) -j $(JOBS)
	ctest --test-dir $(BUILD) -j $(JOBS) --output-on-failure

science: build ## run the learning tests with five seeds (SEEDS=5): each strategy against naive
	cmake --build $(BUILD) -j $(JOBS) --target mneme_tests
	MNEME_SCIENCE_SEEDS=$(SEEDS) ctest --test-dir $(BUILD) -j $(JOBS) -R Learning --output-on-failure

install: build ## install command, library and headers (PREFIX=/usr/local)
	cmake --build $(BUILD) -j $(JOBS) --target mneme
	cmake --install $(BUILD) --prefix "$(PREFIX)"

bench: ## build and run the benchmarks
	@$(SETUP) bench
	@mkdir -p build
	@$(call CONFIGURE,release)
	cmake --build $(BUILD) -j $(JOBS) --target mneme_bench
	$(BUILD)/bench/mneme_bench

fuzz: ## run every fuzzer (RUNS=1000000 inputs each, or FUZZ_SECONDS=30)
	@$(SETUP) fuzz no-torch
	@mkdir -p build
	@cmake --preset fuzz -DCMAKE_CXX_COMPILER=$$($(SETUP) --clang) > build/fuzz.log || { cat build/fuzz.log; exit 1; }
	cmake --build build/fuzz -j $(JOBS)
	@JOBS=$(JOBS) scripts/run_fuzzers.sh build/fuzz/fuzz $(if $(FUZZ_SECONDS),-max_total_time=$(FUZZ_SECONDS),-runs=$(RUNS))

asan: ## test the torch-free parts under AddressSanitizer and UBSan
	@$(SETUP) no-torch
	@mkdir -p build
	@$(call CONFIGURE,asan)
	cmake --build build/asan -j $(JOBS)
	ctest --test-dir build/asan -j $(JOBS) --output-on-failure

check: ## what CI runs: tests, format, includes, sanitizers, clang-tidy, packages, fuzzers
	@.ci/run

clean: ## remove what was built; the fetched libtorch stays
	rm -rf $(filter-out build/_torch,$(wildcard build/*))

distclean: ## remove build/ as a whole
	rm -rf build
