/* Commands that are more than one call: init, dm, stream.  Each returns an exit status; flags and the number of
 * arguments are checked before (cli/main.c).  Thread: main. */
#pragma once
struct cli_options;

int cli_init(struct cli_options *options);   /* words[0] is "init" */
int cli_dm(struct cli_options *options);     /* dm PEER [TEXT] */
int cli_stream(struct cli_options *options); /* stream, conversations stream..., preferences stream */
int cli_demo(struct cli_options *options);   /* three terminals side by side in tmux */
