#include "textflag.h"

// The kernel jumps here with RSP at the argument count, aligned to 16 bytes.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MOVD	RSP, R0
	SUB	$32, RSP
	MOVD	R0, 8(RSP)
	BL	·answer(SB)
	ADD	$32, RSP
	B	_rt0_arm64_linux(SB)
