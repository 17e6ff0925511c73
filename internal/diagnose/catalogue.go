package diagnose

// Entry is one cause: what people read of it, and how it is recognised. To add
// one, write it into the file of its family and into Catalogue.
//
// In Confirm and Fix, {port}, {container}, {image} and {network} stand for the
// start's own.
type Entry struct {
	ID      string
	Family  string
	What    string // what it is
	How     string // how it is recognised; the reason that is given, unless a rule has a better one
	Confirm string // a command, or what to look at
	Fix     string

	signs []sign
	// judge looks at what is not text; score 0 says nothing. It may be nil.
	judge func(s *scene) opinion
}

// opinion is what a judge says.
type opinion struct {
	score float64
	why   string
	lines []Line
}

// Catalogue are all causes, by family. It is made by the linker, not at start.
var Catalogue = []*Entry{
	&portInUse, &portPermissionDenied, &bindAddressUnavailable, &addressFamilyUnavailable, &boundToLocalhost, &wrongPort, &wrongProtocol,
	&envVarMissing, &envVarInvalid, &configFileMissing, &configInvalid, &imageConfigInvalid,
	&missingModule, &syntaxError, &runtimeVersionMismatch, &unhandledException, &crashSignal, &mainProcessExited,
	&dependencyRefused, &dependencyTimeout, &dependencyAuthFailed, &databaseMissing, &schemaMismatch, &dnsFailure,
	&tlsFileMissing, &tlsKeypairInvalid, &tlsVerifyFailed,
	&permissionDenied, &readonlyFilesystem, &diskFull, &staleLock, &dataVersionMismatch, &dataCorrupt,
	&oomKilled, &heapExhausted, &memoryAllocFailed, &fdLimit, &pidsLimit,
	&commandNotFound, &notExecutable, &badInterpreter, &execFormatError, &missingDynamicLoader, &missingSharedLibrary, &glibcMismatch,
	&capabilityDenied, &rootRefused, &userNotFound, &mountError, &imageNotFound, &networkNotFound, &containerNameConflict,
	&startupHang, &slowStart, &healthEndpointFailing, &healthcheckMisconfigured, &stoppedExternally,
	&noFailure, &unknown,
}

// Find is the entry of a cause, nil for a name that is none.
func Find(id string) *Entry {
	for _, c := range Catalogue {
		if c.ID == id {
			return c
		}
	}
	return nil
}

var unknown = Entry{
	ID: "unknown", Family: "none",
	What:    "The evidence does not say why. This is an answer, and better than a guess.",
	How:     "No rule found enough in the evidence.",
	Confirm: "docker logs --tail 100 {container}",
	Fix:     "Read the lines of evidence. More of it helps: the inspection (--inspect), the exit status (--exit-code), the port (--expected-port), or a diagnosis while it runs.",
}
