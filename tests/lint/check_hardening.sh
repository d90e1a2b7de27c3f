#!/usr/bin/env bash
# The programs are built as hardened as docs/architecture.md and SECURITY.md promise (what hardening-check would ask).
#   check_hardening.sh PROGRAM…
set -uo pipefail

failed=0
for program in "$@"; do
    headers=$(readelf --wide --file-header --program-headers --dynamic "$program") || exit 1
    symbols=$(readelf --wide --dyn-syms "$program")
    code=$(objdump --disassemble --no-show-raw-insn "$program" | grep -oE '\b(endbr64|bti|paciasp)\b' | sort | uniq -c)
    need()
    {
        if ! grep -qE "$2" <<<"$3"; then
            echo "$program: not hardened: $1"
            failed=1
        fi
    }
    need "position independent" 'Type: +DYN' "$headers"
    need "position independent, flagged" 'FLAGS_1.* PIE' "$headers"
    need "immediate binding" 'BIND_NOW|FLAGS_1.* NOW' "$headers"
    need "read-only relocations" 'GNU_RELRO' "$headers"
    need "stack not executable" 'GNU_STACK .* RW +0x' "$headers"
    need "stack protector" '__stack_chk_fail' "$symbols"
    need "fortified functions" '__[a-z]+_chk' "$symbols"
    case $(uname -m) in
    # Not the note in the ELF header: the linker drops it, as Debian's start files and libraries have none.
    x86_64) need "control-flow protection" '[0-9]{2,} endbr64' "$code" ;;
    aarch64) need "branch protection" '[0-9]{2,} (bti|paciasp)' "$code" ;;
    esac
done
if [ "$failed" = 0 ]; then echo "check_hardening: ok"; fi
exit "$failed"
