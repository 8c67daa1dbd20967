/* `xmtui rpc`: JSON-RPC 2.0 on standard input and output.  Thread: main. */
#pragma once
struct cli_options;

int cli_rpc(struct cli_options *options);
