// A fixture: two labels.
        .globl start
// Wakes up.
start:
        cli
1:      hlt
        jmp 1b

// Goes away and comes back.
        .globl switch_worlds
switch_worlds:
        ret
