# What Mneme needs from the system. Each failure names the Debian/Ubuntu package that cures it.
function(mneme_missing what package)
  message(FATAL_ERROR "Mneme: ${what} was not found; on Debian or Ubuntu: apt install ${package}\n"
                      "  (scripts/setup.sh installs everything that is needed)")
endfunction()

find_package(ZLIB QUIET)
if(NOT ZLIB_FOUND)
  mneme_missing("zlib" zlib1g-dev)
endif()
find_package(CURL QUIET)
if(NOT CURL_FOUND)
  mneme_missing("libcurl" libcurl4-openssl-dev)
endif()
find_package(nlohmann_json 3.10 QUIET)
if(NOT nlohmann_json_FOUND)
  mneme_missing("nlohmann's JSON library" nlohmann-json3-dev)
endif()
find_path(MNEME_TOMLPP_INCLUDE toml++/toml.h DOC "Folder that holds toml++/toml.h")
if(NOT MNEME_TOMLPP_INCLUDE)
  mneme_missing("toml++" libtomlplusplus-dev)
endif()
find_path(MNEME_STB_INCLUDE stb/stb_image.h DOC "Folder that holds stb/stb_image.h")
if(NOT MNEME_STB_INCLUDE)
  mneme_missing("stb_image.h" libstb-dev)
endif()
find_file(
  MNEME_CHART_JS
  NAMES chart.umd.js chart.umd.min.js chart.min.js
  PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist
  NO_DEFAULT_PATH
  DOC "Chart.js as one classic script; it is embedded for the report")
if(NOT MNEME_CHART_JS)
  mneme_missing("Chart.js" libjs-chart.js)
endif()
