# One command per wish. Everything works without make as well: see CONTRIBUTING.md.
.PHONY: all test demo bench format tidy dev asan ubsan tsan fuzz swarm clean

all:           # the program, at build/hemiola
	scripts/setup.sh && scripts/build.sh hemiola

test:          # everything that must hold
	scripts/test.sh

demo:          # learn the facts of WordNet
	scripts/demo.sh

bench:         # every bench, with its budget
	scripts/setup.sh --dev && scripts/build.sh && python3 bench/compare.py

format:
	git ls-files '*.h' '*.cc' | xargs clang-format-14 -i

tidy:
	python3 tests/tidy.py
	git ls-files '*.h' '*.cc' | xargs clang-format-14 --dry-run -Werror

dev asan ubsan:
	cmake --preset $@ && cmake --build --preset $@ && ctest --test-dir build-$@ -j 2

tsan:
	scripts/tsan.sh core net table

fuzz:
	scripts/fuzz.sh

SECONDS ?= 0
FIRST ?= 1
swarm:         # simulated jobs whose nodes die; for SECONDS=600, or without end
	scripts/build.sh swarm_test
	build/swarm_test --gtest_filter='*whatever*' --for=$(SECONDS) --first=$(FIRST)

clean:
	rm -rf build build-* bench-results
