package diagnose

// privileged tells whether a line speaks of an operation that needs a capability.
func privileged(s *scene, l int) bool {
	return hasAny(s.lines[l].low, "chown|setgid|setuid|setgroups|initgroups|setegid|seteuid|setresuid|setresgid|su:|gosu|su-exec|capset|capability|"+
		"capabilities|cap_|set gid|set uid|set group|set user|supplementary|mount|iptables|raw socket|socket type|sethostname|"+
		"prctl|setpriv|unshare|chroot|setns|mknod|rlimit|mlock|sysctl|switching user|drop privileges|setting uid|setting gid|"+
		"change owner|changing ownership|ownership|switch to user|set group id|netlink|ptrace|nice|sched_set|bpf|perf_event")
}

var capabilityDenied = Entry{
	ID: "capability-denied", Family: "runtime",
	What:    "The service does something for which its container lacks the right: change owner or user, mount, open raw sockets.",
	How:     "Such a call was refused with EPERM.",
	Confirm: "docker inspect -f '{{.HostConfig.CapDrop}} {{.HostConfig.CapAdd}} {{.HostConfig.SecurityOpt}}' {container}",
	Fix:     "Add the one capability that it needs (CHOWN, SETUID, SETGID, NET_RAW …), or let it start as the right user from the first, so that it need not change.",
	signs: []sign{
		{errno: ePerm, score: .93, when: func(s *scene, l int) bool { return privileged(s, l) }},
		{errno: ePerm, score: .85, when: func(s *scene, l int) bool { return s.dropped() }},
		{has: "cannot set gid|cannot set uid|can't set gid|can't set uid|failed to drop|cannot drop|unable to set group id|" +
			"unable to set user id|setgid failed|setuid failed|setgroups|initgroups|failed to setgid|failed to setuid|" +
			"failed to set gid|failed to set uid|unable to drop privileges|failed to switch|could not switch user|" +
			"cannot change to user|can't drop privilege|not enough capabilities|missing capability|requires cap_|lacks capability|" +
			"insufficient capabilities|authentication failure", not: "info|notice|warn|password", score: .86, when: func(s *scene, l int) bool { return s.dropped() || hasAny(s.lines[l].low, "capabilit|cap_") }},
		{errno: eAccess, score: .94, has: "chown|setgid|setuid|changing ownership|chmod|su: ", when: func(s *scene, l int) bool { return s.dropped() }},
	},
}

var rootRefused = Entry{
	ID: "root-refused", Family: "runtime",
	What:    "The server does not want to run as root.",
	How:     "It says so and ends.",
	Confirm: "docker inspect -f '{{.Config.User}}' {container}",
	Fix:     "Run it as a user of its own (USER in the Dockerfile, user: in the compose file), with data that belong to that user.",
	signs: []sign{
		{has: "as root|\"root\"|'root'|root user|superuser|uid 0|other than root|user root|with root|root privileges", and: "not permitted|refus|must not|cannot be run|can not run|can't run|cannot run|don't run|do not run|not allowed|" +
			"not supported|unprivileged|security|please specify user|please read|should not run|is not a good idea|isn't allowed|" +
			"without --no-sandbox|can only be run|never run|please use|unsafe|forbidden|without the -u|must be run as|--allow-root|" +
			"disallowed|to change this", not: "warn|root directory|chroot|rootfs|info|access denied|database user|running redis as root is dangerous|mysqld as root|" +
			"must be run as root|requires root|you can use --uid|npm", score: .94, when: func(s *scene, l int) bool { return !s.serves() && s.lines[l].level != calm && s.lines[l].level != warn }},
		{has: "as root", and: "security|exploit|not required|discouraged|not recommended|unsafe|dangerous|insecure|override", score: .82, when: func(s *scene, _ int) bool { return s.ended && s.exit != 0 && s.user() == "" }},
		{has: "how to run ", and: "as root", score: .95},
		{has: "running a worker with superuser privileges", score: .93},
	},
}

var userNotFound = Entry{
	ID: "user-not-found", Family: "runtime",
	What:    "The user or group that the service should run as is not in the image.",
	How:     "The engine or the server looked for its name and found nothing.",
	Confirm: "docker run --rm --user 0 --entrypoint cat {image} /etc/passwd",
	Fix:     "Create the user in the Dockerfile (adduser), correct the name, or use a number.",
	signs: []sign{
		{daemon: true, has: "unable to find user|unable to find group|no matching entries in passwd|no matching entries in group|no users found|" +
			"no such user", score: .98},
		{has: "unknown user|no such user|invalid user|unknown group|unknown username|unknown userid|user not found|invalid group",
			not: "password|authent|login|postgres: |info|warn|invalid user name or", score: .93, when: notThrown},
		{has: "unable to find user|no matching entries in passwd|can't find the user|can't find user|cannot find user|" +
			"getpwnam|getgrnam|bad user name|bad group name|cannot find group|" +
			"could not find user|cannot find uid|cannot get uid|cannot get gid|cannot find user id|cannot find group id|" +
			"unable to find group|unknown uid|no passwd entry|" +
			"parse user id|parse group id|failed to resolve user|failed to resolve group|unable to resolve user", not: "password|authent|login|postgres: |info|warn|invalid user name or", score: .93},
		{bare: true, has: "not found|unknown|does not exist|no such|invalid", score: .86, when: func(s *scene, l int) bool { return s.failed() && s.namesUserOfCommand(l) }},
		{has: "user doesn't exist:|user does not exist:|group doesn't exist:|group does not exist:", score: .96},
		{has: "passwd entry for|group entry for|get id for user|get id for group|get uid for|get gid for|uid for user|gid for group|" +
			"no such group", not: "database|role|login|password|authent|warn|info|api|token|consumer", score: .88, when: func(s *scene, l int) bool { return s.failed() }},
		{has: "' unknown|\" unknown|' is unknown|\" is unknown", and: "user '|user \"|group '|group \"", not: "database|role|login|authent", score: .88, when: func(s *scene, l int) bool { return s.failed() }},
		{has: "user |group ", and: "doesn't exist|does not exist|not found|cannot be found", not: "database|role|table|login|consumer group|password|authent|relation|info|warn|config|file|api|resource group|" +
			"security group", score: .7, when: notThrown},
	},
}

// notThrown tells whether a line is not that of an exception, which is about the
// program's own users, and not about the system's.
func notThrown(s *scene, l int) bool { return l != s.named || s.onlySaysError() }

var mountError = Entry{
	ID: "mount-error", Family: "runtime",
	What:    "A volume or bind mount cannot be made: the source is not there, or a directory meets a file.",
	How:     "The engine names the mount. For a missing source, Docker may have made an empty directory of that name.",
	Confirm: "ls -ld SOURCE; docker inspect -f '{{json .HostConfig.Binds}}' {container}",
	Fix:     "Create the source on the host (as a file, if the target is one), remove the empty directory that the engine made in its place, correct the path.",
	signs: []sign{
		{daemon: true, has: "error mounting|bind source path does not exist|invalid mount config|failed to mount|error while mounting|" +
			"mount a directory onto a file|mounting \"|error creating mount source|volume mount|failed to create volume|" +
			"no such volume|mount path must be absolute|mounts denied|duplicate mount point|error while creating mount source|" +
			"volume driver|invalid volume specification|statfs|mount callback failed", score: .98},
	},
}

var imageNotFound = Entry{
	ID: "image-not-found", Family: "runtime",
	What:    "The image cannot be had: wrong name or tag, no login, no registry.",
	How:     "The engine could not find or pull it.",
	Confirm: "docker pull {image}",
	Fix:     "Correct name and tag, log in to the registry, or look whether it can be reached and has the image for this architecture.",
	signs: []sign{
		{daemon: true, has: "unable to find image|manifest unknown|pull access denied|manifest for|no such image|repository does not exist|" +
			"failed to resolve reference|errimagepull|imagepullbackoff|no matching manifest|image not known|toomanyrequests|" +
			"initializing source|error pulling image|requested access to the resource is denied|image not found|failed to pull|/v2/", score: .97},
	},
}

var networkNotFound = Entry{
	ID: "network-not-found", Family: "runtime",
	What:    "The network that the container should join is not there.",
	How:     "The engine says so.",
	Confirm: "docker network ls",
	Fix:     "Create the network, or the container anew (docker compose up --force-recreate): a network that was removed and created again has another id.",
	signs: []sign{
		{daemon: true, has: "network ", and: "not found|no such network|could not be found|does not exist|could not find", not: "image", score: .97},
		{daemon: true, has: "no such network|cannot join network|joining network namespace|could not attach to network|" +
			"failed to set up container networking|no available network|network is unreachable|could not find a network", not: "address already|allocated|bind for", score: .93},
	},
}

var containerNameConflict = Entry{
	ID: "container-name-conflict", Family: "runtime",
	What:    "Another container has the name already.",
	How:     "The engine says so.",
	Confirm: "docker ps -a --filter name={container}",
	Fix:     "Remove or rename the other container (docker rm NAME), if it is not needed any more.",
	signs: []sign{
		{daemon: true, has: "the container name|container name \"|container with name|name is already in use|name is in use", and: "already in use|in use by|conflict|already exists", score: .98},
	},
}
