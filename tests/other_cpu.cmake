# The hosted tests for a CPU that is not x86: GoogleTest built from Debian's sources, and headers.
set(gtest_source /usr/src/googletest)
if(NOT EXISTS ${gtest_source})
  message(FATAL_ERROR "${gtest_source} is missing: apt install googletest")
endif()
add_subdirectory(${gtest_source} googletest EXCLUDE_FROM_ALL)

# Headers that hold no machine code, alone: the rest of /usr/include is another CPU's
set(headers ${CMAKE_CURRENT_BINARY_DIR}/headers)
file(MAKE_DIRECTORY ${headers})
file(CREATE_LINK /usr/include/boost ${headers}/boost SYMBOLIC)

# Xen's guests stay x86 ones, and so do the layouts that they share with their hypervisor
file(COPY /usr/include/xen DESTINATION ${headers})
file(GLOB_RECURSE xen_headers ${headers}/xen/*.h)
foreach(header ${xen_headers})
  file(READ ${header} text)
  string(REPLACE "__x86_64__" "HV_GUESTS_ARE_X86_64" text "${text}")
  file(WRITE ${header} "${text}")
endforeach()
include_directories(SYSTEM ${headers})
add_compile_definitions(HV_GUESTS_ARE_X86_64)
