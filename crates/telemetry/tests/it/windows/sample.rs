//! Events of ours, to be written in every shape.

/// One event, as its publisher means it.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) provider: &'static str,
    pub(crate) guid: &'static str,
    pub(crate) channel: &'static str,
    pub(crate) event_id: u16,
    pub(crate) version: u8,
    pub(crate) task: u16,
    pub(crate) keywords: u64,
    pub(crate) record_id: u64,
    /// 100 ns since 1601, as the event log keeps it.
    pub(crate) filetime: u64,
    pub(crate) computer: &'static str,
    pub(crate) process_id: u32,
    pub(crate) thread_id: u32,
    pub(crate) data: Vec<(String, String)>,
}

/// 100 ns between 1601 and 1970.
const EPOCH: u64 = 116_444_736_000_000_000;

impl Sample {
    /// Nanoseconds since 1970.
    pub(crate) fn nanos(&self) -> i64 {
        (self.filetime as i64 - EPOCH as i64) * 100
    }

    /// `2026-03-02T10:20:30.1234567Z`.
    pub(crate) fn time(&self) -> String {
        let time = jiff::Timestamp::from_nanosecond(i128::from(self.nanos())).expect("a time of ours");
        format!("{}.{:07}Z", time.strftime("%Y-%m-%dT%H:%M:%S"), self.filetime % 10_000_000)
    }

    pub(crate) fn keywords(&self) -> String {
        format!("{:#x}", self.keywords)
    }

    fn sysmon(event_id: u16, record_id: u64, data: &[(&str, &str)]) -> Self {
        Sample {
            provider: "Microsoft-Windows-Sysmon",
            guid: "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}",
            channel: "Microsoft-Windows-Sysmon/Operational",
            event_id,
            version: 5,
            task: event_id,
            keywords: 0x8000_0000_0000_0000,
            record_id,
            filetime: EPOCH + 17_724_468_301_234_567 + (record_id - 40_001) * 10_000_000,
            computer: "WS-042.corp.example",
            process_id: 2816,
            thread_id: 3920,
            data: data.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        }
    }
}

/// One event of every kind that a typed view takes, and one that must not be mistaken for any of them.
pub(crate) fn samples() -> Vec<Sample> {
    let process = Sample::sysmon(
        1,
        40_001,
        &[
            ("RuleName", "-"),
            ("UtcTime", "2026-03-02 10:20:30.120"),
            ("ProcessGuid", "{6A3F9C51-63AE-69A5-0D07-000000001200}"),
            ("ProcessId", "7316"),
            ("Image", r"C:\Tools\lua\lua54.exe"),
            ("FileVersion", "-"),
            ("Description", "-"),
            ("Product", "-"),
            ("Company", "-"),
            ("OriginalFileName", "-"),
            ("CommandLine", r#"lua54.exe -e "os.execute('whoami > C:\Users\ann\AppData\Local\Temp\o & type o')""#),
            ("CurrentDirectory", r"C:\Users\ann\"),
            ("User", r"CORP\ann"),
            ("LogonGuid", "{6A3F9C51-1111-69A5-B1C2-0A0000000000}"),
            ("LogonId", "0xac2b1"),
            ("TerminalSessionId", "1"),
            ("IntegrityLevel", "Medium"),
            ("Hashes", "SHA256=00B1F0A3D6E2C44D16F8F0A9B0E5C6D7E8F90112233445566778899AABBCCDDE"),
            ("ParentProcessGuid", "{6A3F9C51-60AA-69A5-9906-000000001200}"),
            ("ParentProcessId", "6120"),
            ("ParentImage", r"C:\Windows\System32\cmd.exe"),
            ("ParentCommandLine", r#""C:\Windows\System32\cmd.exe" /k "Grüße & <more>""#),
            ("ParentUser", r"CORP\ann"),
        ],
    );
    let network = Sample::sysmon(
        3,
        40_002,
        &[
            ("RuleName", "-"),
            ("UtcTime", "2026-03-02 10:20:31.300"),
            ("ProcessGuid", "{6A3F9C51-63AE-69A5-0D07-000000001200}"),
            ("ProcessId", "7316"),
            ("Image", r"C:\Tools\lua\lua54.exe"),
            ("User", r"CORP\ann"),
            ("Protocol", "tcp"),
            ("Initiated", "true"),
            ("SourceIsIpv6", "false"),
            ("SourceIp", "127.0.0.1"),
            ("SourceHostname", "WS-042.corp.example"),
            ("SourcePort", "50122"),
            ("SourcePortName", "-"),
            ("DestinationIsIpv6", "false"),
            ("DestinationIp", "127.0.0.1"),
            ("DestinationHostname", "WS-042.corp.example"),
            ("DestinationPort", "4444"),
            ("DestinationPortName", "-"),
        ],
    );
    let image = Sample::sysmon(
        7,
        40_003,
        &[
            ("RuleName", "-"),
            ("UtcTime", "2026-03-02 10:20:31.900"),
            ("ProcessGuid", "{6A3F9C51-63AE-69A5-0D07-000000001200}"),
            ("ProcessId", "7316"),
            ("Image", r"C:\Tools\lua\lua54.exe"),
            ("ImageLoaded", r"C:\Tools\lua\lua54.dll"),
            ("Hashes", "MD5=0123456789ABCDEF0123456789ABCDEF"),
            ("Signed", "false"),
            ("Signature", "-"),
            ("SignatureStatus", "Unavailable"),
            ("User", r"CORP\ann"),
        ],
    );
    let file = Sample::sysmon(
        11,
        40_004,
        &[
            ("RuleName", "-"),
            ("UtcTime", "2026-03-02 10:20:32.100"),
            ("ProcessGuid", "{6A3F9C51-63AE-69A5-0D07-000000001200}"),
            ("ProcessId", "7316"),
            ("Image", r"C:\Tools\lua\lua54.exe"),
            ("TargetFilename", r"C:\Users\ann\AppData\Local\Temp\stage two.lua"),
            ("CreationUtcTime", "2026-03-02 10:20:32.100"),
            ("User", r"CORP\ann"),
        ],
    );
    let creation = Sample {
        provider: "Microsoft-Windows-Security-Auditing",
        guid: "{54849625-5478-4994-A5BA-3E3B0328C30D}",
        channel: "Security",
        version: 2,
        task: 13_312,
        keywords: 0x8020_0000_0000_0000,
        ..Sample::sysmon(
            4688,
            40_005,
            &[
                ("SubjectUserSid", "S-1-5-21-1004336348-1177238915-682003330-1107"),
                ("SubjectUserName", "ann"),
                ("SubjectDomainName", "CORP"),
                ("SubjectLogonId", "0xac2b1"),
                ("NewProcessId", "0x1c94"),
                ("NewProcessName", r"C:\Tools\lua\lua54.exe"),
                ("TokenElevationType", "%%1938"),
                ("ProcessId", "0x17e8"),
                ("CommandLine", r#"lua54.exe -e "loadstring('return 1')()""#),
                ("TargetUserSid", "S-1-0-0"),
                ("TargetUserName", "-"),
                ("TargetDomainName", "-"),
                ("TargetLogonId", "0x0"),
                ("ParentProcessName", r"C:\Windows\System32\cmd.exe"),
                ("MandatoryLabel", "S-1-16-8192"),
            ],
        )
    };
    let clock = Sample {
        provider: "Microsoft-Windows-Kernel-General",
        guid: "{A68CA8B7-004F-D7B6-A698-07E2DE0F1F5D}",
        channel: "System",
        version: 1,
        task: 5,
        keywords: 0x8000_0000_0000_0010,
        ..Sample::sysmon(
            1,
            40_006,
            &[
                ("NewTime", "2026-03-02T10:20:33.5000000Z"),
                ("OldTime", "2026-03-02T10:20:33.4980000Z"),
                ("Reason", "1"),
                ("Image", r"C:\Windows\System32\lua.exe"),
            ],
        )
    };
    vec![process, network, image, file, creation, clock]
}
