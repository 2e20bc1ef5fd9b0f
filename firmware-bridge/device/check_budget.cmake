# cmake -DSIZE=avr-size -DIMAGE=FILE.elf -DFLASH_MOST=BYTES -DRAM_MOST=BYTES -P check_budget.cmake
# fails when a firmware takes more. The stack is not in its RAM.
execute_process(COMMAND ${SIZE} --format=berkeley ${IMAGE} OUTPUT_VARIABLE table
                COMMAND_ERROR_IS_FATAL ANY)
if(NOT table MATCHES "\n *([0-9]+)[ \t]+([0-9]+)[ \t]+([0-9]+)")
  message(FATAL_ERROR "avr-size said something else: ${table}")
endif()
math(EXPR flash "${CMAKE_MATCH_1} + ${CMAKE_MATCH_2}")
math(EXPR ram "${CMAKE_MATCH_2} + ${CMAKE_MATCH_3}")
message(STATUS "device library with ten series: ${flash} of ${FLASH_MOST} bytes of flash, ${ram} "
               "of ${RAM_MOST} bytes of RAM")
if(flash GREATER FLASH_MOST OR ram GREATER RAM_MOST)
  message(FATAL_ERROR "the device library is too large for what it promises")
endif()
