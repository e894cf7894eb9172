# Runs Sphinx once, strictly, and prints what it made. Sphinx is looked for when the book is built,
# because the virtual environment may be younger than the CMake cache.
find_program(SPHINX sphinx-build HINTS ${BUILD}/venv/bin NO_CACHE)
if(NOT SPHINX)
    message(FATAL_ERROR "sphinx-build is not here: run ./tests/run book once, it installs Sphinx into build/venv")
endif()
execute_process(
    COMMAND ${SPHINX} -nW --keep-going -b html -d ${BUILD}/book/doctrees ${SOURCE} ${BUILD}/book/html
    RESULT_VARIABLE status)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "the book did not build: the lines above say which page and why")
endif()

cmake_path(GET SPHINX PARENT_PATH programs)
execute_process(
    COMMAND ${CMAKE_COMMAND} -E env PYTHONPATH=${SOURCE}/_ext
            ${programs}/python -m printing ${BUILD}/book/html ${BUILD}/book/subfloor.pdf
    RESULT_VARIABLE status)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "the book could not be printed: the lines above say why")
endif()
