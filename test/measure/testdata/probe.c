/* Asks http://127.0.0.1:PORT/health once: exit 0 if the answer is 200 and says
   "ok". About the least that a health check can cost. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const char request[] =
		"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timeval limit = { .tv_sec = 3 };
	char answer[4096];
	ssize_t n, got = 0;

	if (argc != 2)
		return 1;
	to.sin_port = htons(atoi(argv[1]));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 ||
	    write(fd, request, sizeof request - 1) != sizeof request - 1)
		return 1;
	while ((n = read(fd, answer + got, sizeof answer - 1 - got)) > 0)
		got += n;
	answer[got] = 0;
	return !(strncmp(answer, "HTTP/1.1 200", 12) == 0 && strstr(answer, "\"ok\""));
}
