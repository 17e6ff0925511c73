package snapshot

// MaskText hides what looks like a secret in a line of text, by the rules of
// [MaskArgs], and leaves its spaces as they are.
func MaskText(line string) string { return maskWords(line) }

// MaskTail is [MaskArgs] for arguments without the program before them.
func MaskTail(args []string) []string {
	return MaskArgs(append([]string{""}, args...))[1:]
}
