# What `hv check` builds of a lab: out of the reader's copy, which it lays into build/labs/NAME
# first, and of what the rest of this tree has compiled already. Nothing here is part of `all`.
#
#   lab-NAME-probe   the copy and the lab's probe.cpp as a hosted program, under the sanitizers;
#                    with `moments = true` each function that it enters is one: moments.hpp
#   lab-NAME.elf     where the copy is of hv/: the image, with the reader's files for ours
#                    where it is of chapters/: the reader's guest

find_package(Python3 REQUIRED COMPONENTS Interpreter)  # whose target hv_image() uses

# The paths in a line `KEY = ["…", "…"]` of a lab's file
function(lab_paths toml key result)
  file(STRINGS ${toml} line REGEX "^${key} = ")
  string(REGEX MATCHALL "[^\" ]+[.]cpp" paths "${line}")
  set(${result} ${paths} PARENT_SCOPE)
endfunction()

# A program that is built when it is asked for
function(lab_program target)
  set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL TRUE
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/labs)
endfunction()

# All of hv/ that can be hosted, and the machine around it, for the probes that want a whole one
get_target_property(hosted_sources hv_hosted SOURCES)
list(TRANSFORM hosted_sources PREPEND ${CMAKE_SOURCE_DIR}/hv/)
foreach(part machine metal turns)
  list(APPEND hosted_sources ${CMAKE_SOURCE_DIR}/pyhv/native/${part}.cpp)
endforeach()
add_library(labs_hosted STATIC EXCLUDE_FROM_ALL ${hosted_sources})
target_compile_options(labs_hosted PRIVATE -O0 -g0)
target_include_directories(labs_hosted PUBLIC
  $<TARGET_PROPERTY:hv_hosted,INTERFACE_INCLUDE_DIRECTORIES> ${CMAKE_SOURCE_DIR}/pyhv)
target_compile_definitions(labs_hosted PUBLIC
  $<TARGET_PROPERTY:hv_hosted,INTERFACE_COMPILE_DEFINITIONS>)

function(lab_probe name folder copied beside machine moments)
  set(probe lab-${name}-probe)
  list(TRANSFORM beside PREPEND ${CMAKE_SOURCE_DIR}/)
  add_executable(${probe} ${copied} ${folder}/probe.cpp ${beside})
  lab_program(${probe})
  target_include_directories(${probe} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}
    $<TARGET_PROPERTY:hv_hosted,INTERFACE_INCLUDE_DIRECTORIES>)
  target_compile_definitions(${probe} PRIVATE
    $<TARGET_PROPERTY:hv_hosted,INTERFACE_COMPILE_DEFINITIONS> _GLIBCXX_ASSERTIONS)
  set(checked -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(${probe} PRIVATE -O0 -Wall -Wextra ${checked})
  target_link_options(${probe} PRIVATE ${checked})
  if(moments)
    # What the libraries and the ground floor do in between is no moment
    target_compile_options(${probe} PRIVATE -finstrument-functions $<$<CXX_COMPILER_ID:GNU>:
      -finstrument-functions-exclude-file-list=/c++/$<COMMA>hv/base/$<COMMA>hv/x86/$<COMMA>hv/boot/>)
  endif()
  if(machine)
    target_link_libraries(${probe} PRIVATE labs_hosted)
  endif()
endfunction()

# Our objects but those of the files that the reader has, and the reader's in their place
function(lab_image name copied files)
  add_library(lab-${name} OBJECT EXCLUDE_FROM_ALL ${copied})
  foreach(what INCLUDE_DIRECTORIES COMPILE_DEFINITIONS COMPILE_OPTIONS)
    set_target_properties(lab-${name} PROPERTIES ${what} $<TARGET_PROPERTY:hv_objects,${what}>)
  endforeach()
  set(ours $<TARGET_OBJECTS:hv_objects>)
  foreach(file ${files})
    string(REGEX REPLACE "^hv(/.*)[.]cpp" "\\1[.]cpp[.]o" object ${file})
    set(ours $<FILTER:${ours},EXCLUDE,${object}>)
  endforeach()
  hv_image(lab-${name} ${ours} $<TARGET_OBJECTS:lab-${name}>)
  foreach(image lab-${name}.unnamed lab-${name}.elf)
    lab_program(${image})
  endforeach()
endfunction()

file(GLOB labs CONFIGURE_DEPENDS */*/lab.toml)
foreach(toml ${labs})
  lab_paths(${toml} files files)
  if(NOT files)
    continue()
  endif()
  get_filename_component(folder ${toml} DIRECTORY)
  get_filename_component(name ${folder} NAME)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${toml})
  list(TRANSFORM files PREPEND ${CMAKE_BINARY_DIR}/labs/${name}/ OUTPUT_VARIABLE copied)
  # A warning is no error: a function whose body is yet to come leaves others without a use
  set_source_files_properties(${copied} PROPERTIES GENERATED TRUE COMPILE_OPTIONS -Wno-error)
  lab_paths(${toml} beside beside)
  file(STRINGS ${toml} machine REGEX "^machine = true")
  file(STRINGS ${toml} moments REGEX "^moments = true")
  lab_probe(${name} ${folder} "${copied}" "${beside}" "${machine}" "${moments}")
  if(files MATCHES "^hv/")
    lab_image(${name} "${copied}" "${files}")
  else()
    file(GLOB rest ${folder}/main.cpp)
    guest(lab-${name} 0x100000 ${copied} ${rest})
    lab_program(lab-${name}.elf)
  endif()
endforeach()
