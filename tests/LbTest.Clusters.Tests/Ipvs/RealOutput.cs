namespace LbTest.Clusters.Tests.Ipvs;

/// <summary>What ipvsadm 1.31 printed of one kernel (6.1) in one moment, option by option.</summary>
internal static class RealOutput
{
    /// <summary><c>ipvsadm -ln</c>.</summary>
    internal const string Listed = """
        IP Virtual Server version 1.2.1 (size=4096)
        Prot LocalAddress:Port Scheduler Flags
          -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
        FWM  -1 lblc
        TCP  0.0.0.0:0 rr persistent 50
        TCP  10.96.0.10:53 wlc persistent 10800
        TCP  10.96.0.100:0 rr persistent 50
          -> 11.0.2.4:0                   Tunnel  1      0          0
        TCP  10.96.0.100:80 sh (sh-fallback,sh-port)
          -> 11.0.2.3:80                  Masq    1      0          0
        TCP  10.96.0.100:81 mh (mh-port)
        TCP  10.96.0.100:82 mh (mh-fallback)
        TCP  10.96.0.100:83 rr (flag-1,flag-2,flag-3)
        TCP  10.96.0.100:84 dh persistent 60
        TCP  10.96.0.100:5001 rr
          -> 11.0.1.2:5001                Masq    0      0          0
          -> 11.0.1.3:5001                Masq    0      0          0
          -> 127.0.0.1:5001               Masq    1      1          1
        TCP  10.96.0.101:80 rr
          -> [fd00::4]:80                 Tunnel  1      0          0
        TCP  127.0.0.1:80 rr
          -> 127.0.0.1:22                 Masq    1      0          0
        UDP  10.96.0.10:53 wrr persistent 300 mask 255.255.255.0 ops
          -> 11.0.2.2:53                  Tunnel  1      0          0
          -> 11.0.2.3:53                  Route   100    0          0
        UDP  10.96.0.100:5060 rr persistent 60 pe sip
        SCTP 10.96.0.100:5001 lc
          -> 11.0.2.3:5001                Masq    1      0          0
        TCP  [fd00:96::100]:5001 rr persistent 10800 mask 64
          -> [fd00::2]:5001               Masq    1      0          0
          -> [fd00:1234:5678:9abc:def0:1111:2222:3333]:5001 Masq    1      0          0
        TCP  [fd00:96::100]:5002 rr persistent 10800
        UDP  [fd00:1234:5678:9abc:def0:1111:2222:4444]:65535 nq
        FWM  7 wlc
          -> 11.0.2.4:0                   Route   1      0          0
        FWM  8 IPv6 sed persistent 100
          -> [fd00::4]:0                  Masq    1      0          0
        """;

    /// <summary><c>ipvsadm -l</c>.</summary>
    internal const string Named = """
        IP Virtual Server version 1.2.1 (size=4096)
        Prot LocalAddress:Port Scheduler Flags
          -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
        FWM  -1 lblc
        TCP  0.0.0.0:0 rr persistent 50
        TCP  10.96.0.10:domain wlc persistent 10800
        TCP  10.96.0.100:0 rr persistent 50
          -> 11.0.2.4:0                   Tunnel  1      0          0
        TCP  10.96.0.100:http sh (sh-fallback,sh-port)
          -> 11.0.2.3:http                Masq    1      0          0
        TCP  10.96.0.100:81 mh (mh-port)
        TCP  10.96.0.100:82 mh (mh-fallback)
        TCP  10.96.0.100:83 rr (flag-1,flag-2,flag-3)
        TCP  10.96.0.100:84 dh persistent 60
        TCP  10.96.0.100:5001 rr
          -> 11.0.1.2:5001                Masq    0      0          0
          -> 11.0.1.3:5001                Masq    0      0          0
          -> localhost:5001               Masq    1      1          1
        TCP  10.96.0.101:http rr
          -> [fd00::4]:http               Tunnel  1      0          0
        TCP  localhost:http rr
          -> localhost:ssh                Masq    1      0          0
        UDP  10.96.0.10:domain wrr persistent 300 mask 255.255.255.0 ops
          -> 11.0.2.2:domain              Tunnel  1      0          0
          -> 11.0.2.3:domain              Route   100    0          0
        UDP  10.96.0.100:sip rr persistent 60 pe sip
        SCTP 10.96.0.100:5001 lc
          -> 11.0.2.3:5001                Masq    1      0          0
        TCP  [fd00:96::100]:5001 rr persistent 10800 mask 64
          -> [fd00::2]:5001               Masq    1      0          0
          -> [fd00:1234:5678:9abc:def0:1111:2222:3333]:5001 Masq    1      0          0
        TCP  [fd00:96::100]:5002 rr persistent 10800
        UDP  [fd00:1234:5678:9abc:def0:1111:2222:4444]:65535 nq
        FWM  7 wlc
          -> 11.0.2.4:0                   Route   1      0          0
        FWM  8 IPv6 sed persistent 100
          -> [fd00::4]:0                  Masq    1      0          0
        """;

    /// <summary><c>ipvsadm -ln --stats</c>.</summary>
    internal const string Counted = """
        IP Virtual Server version 1.2.1 (size=4096)
        Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
          -> RemoteAddress:Port
        FWM  -1                                  0        0        0        0        0
        TCP  0.0.0.0:0                           0        0        0        0        0
        TCP  10.96.0.10:53                       0        0        0        0        0
        TCP  10.96.0.100:0                       0        0        0        0        0
          -> 11.0.2.4:0                          0        0        0        0        0
        TCP  10.96.0.100:80                      0        0        0        0        0
          -> 11.0.2.3:80                         0        0        0        0        0
        TCP  10.96.0.100:81                      0        0        0        0        0
        TCP  10.96.0.100:82                      0        0        0        0        0
        TCP  10.96.0.100:83                      0        0        0        0        0
        TCP  10.96.0.100:84                      0        0        0        0        0
        TCP  10.96.0.100:5001                    2        7        4     5380      224
          -> 11.0.1.2:5001                       0        0        0        0        0
          -> 11.0.1.3:5001                       0        0        0        0        0
          -> 127.0.0.1:5001                      2        7        4     5380      224
        TCP  10.96.0.101:80                      0        0        0        0        0
          -> [fd00::4]:80                        0        0        0        0        0
        TCP  127.0.0.1:80                        0        0        0        0        0
          -> 127.0.0.1:22                        0        0        0        0        0
        UDP  10.96.0.10:53                       0        0        0        0        0
          -> 11.0.2.2:53                         0        0        0        0        0
          -> 11.0.2.3:53                         0        0        0        0        0
        UDP  10.96.0.100:5060                    0        0        0        0        0
        SCTP 10.96.0.100:5001                    0        0        0        0        0
          -> 11.0.2.3:5001                       0        0        0        0        0
        TCP  [fd00:96::100]:5001                 0        0        0        0        0
          -> [fd00::2]:5001                      0        0        0        0        0
          -> [fd00:1234:5678:9abc:def0:1111:2222:3333]:5001        0        0        0        0        0
        TCP  [fd00:96::100]:5002                 0        0        0        0        0
        UDP  [fd00:1234:5678:9abc:def0:1111:2222:4444]:65535        0        0        0        0        0
        FWM  7                                   0        0        0        0        0
          -> 11.0.2.4:0                          0        0        0        0        0
        FWM  8 IPv6                              0        0        0        0        0
          -> [fd00::4]:0                         0        0        0        0        0
        """;

    /// <summary><c>ipvsadm -ln --rate</c>: in that moment it differed from the counters by the titles, and by the numbers of the one server that had traffic.</summary>
    internal static string Rated { get; } = Counted
        .Replace("  Conns   InPkts  OutPkts  InBytes OutBytes", "    CPS    InPPS   OutPPS    InBPS   OutBPS", StringComparison.Ordinal)
        .Replace("  2        7        4     5380      224", "  0        1        0      672       28", StringComparison.Ordinal);

    /// <summary><c>ipvsadm -ln --thresholds</c>.</summary>
    internal const string Thresholds = """
        IP Virtual Server version 1.2.1 (size=4096)
        Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn
          -> RemoteAddress:Port
        FWM  -1 lblc
        TCP  0.0.0.0:0 rr persistent 50
        TCP  10.96.0.10:53 wlc persistent 10800
        TCP  10.96.0.100:0 rr persistent 50
          -> 11.0.2.4:0                   0          0          0          0
        TCP  10.96.0.100:80 sh (sh-fallback,sh-port)
          -> 11.0.2.3:80                  100        50         0          0
        TCP  10.96.0.100:81 mh (mh-port)
        TCP  10.96.0.100:82 mh (mh-fallback)
        TCP  10.96.0.100:83 rr (flag-1,flag-2,flag-3)
        TCP  10.96.0.100:84 dh persistent 60
        TCP  10.96.0.100:5001 rr
          -> 11.0.1.2:5001                0          0          0          0
          -> 11.0.1.3:5001                0          0          0          0
          -> 127.0.0.1:5001               0          0          1          1
        TCP  10.96.0.101:80 rr
          -> [fd00::4]:80                 0          0          0          0
        TCP  127.0.0.1:80 rr
          -> 127.0.0.1:22                 0          0          0          0
        UDP  10.96.0.10:53 wrr persistent 300 mask 255.255.255.0 ops
          -> 11.0.2.2:53                  0          0          0          0
          -> 11.0.2.3:53                  0          0          0          0
        UDP  10.96.0.100:5060 rr persistent 60 pe sip
        SCTP 10.96.0.100:5001 lc
          -> 11.0.2.3:5001                0          0          0          0
        TCP  [fd00:96::100]:5001 rr persistent 10800 mask 64
          -> [fd00::2]:5001               0          0          0          0
          -> [fd00:1234:5678:9abc:def0:1111:2222:3333]:5001 0          0          0          0
        TCP  [fd00:96::100]:5002 rr persistent 10800
        UDP  [fd00:1234:5678:9abc:def0:1111:2222:4444]:65535 nq
        FWM  7 wlc
          -> 11.0.2.4:0                   0          0          0          0
        FWM  8 IPv6 sed persistent 100
          -> [fd00::4]:0                  0          0          0          0
        """;

    /// <summary><c>ipvsadm -ln --persistent-conn</c>.</summary>
    internal const string Persistent = """
        IP Virtual Server version 1.2.1 (size=4096)
        Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn
          -> RemoteAddress:Port
        FWM  -1 lblc
        TCP  0.0.0.0:0 rr persistent 50
        TCP  10.96.0.10:53 wlc persistent 10800
        TCP  10.96.0.100:0 rr persistent 50
          -> 11.0.2.4:0                   1         0           0          0
        TCP  10.96.0.100:80 sh (sh-fallback,sh-port)
          -> 11.0.2.3:80                  1         0           0          0
        TCP  10.96.0.100:81 mh (mh-port)
        TCP  10.96.0.100:82 mh (mh-fallback)
        TCP  10.96.0.100:83 rr (flag-1,flag-2,flag-3)
        TCP  10.96.0.100:84 dh persistent 60
        TCP  10.96.0.100:5001 rr
          -> 11.0.1.2:5001                0         0           0          0
          -> 11.0.1.3:5001                0         0           0          0
          -> 127.0.0.1:5001               1         0           1          1
        TCP  10.96.0.101:80 rr
          -> [fd00::4]:80                 1         0           0          0
        TCP  127.0.0.1:80 rr
          -> 127.0.0.1:22                 1         0           0          0
        UDP  10.96.0.10:53 wrr persistent 300 mask 255.255.255.0 ops
          -> 11.0.2.2:53                  1         0           0          0
          -> 11.0.2.3:53                  100       0           0          0
        UDP  10.96.0.100:5060 rr persistent 60 pe sip
        SCTP 10.96.0.100:5001 lc
          -> 11.0.2.3:5001                1         0           0          0
        TCP  [fd00:96::100]:5001 rr persistent 10800 mask 64
          -> [fd00::2]:5001               1         0           0          0
          -> [fd00:1234:5678:9abc:def0:1111:2222:3333]:5001 1         0           0          0
        TCP  [fd00:96::100]:5002 rr persistent 10800
        UDP  [fd00:1234:5678:9abc:def0:1111:2222:4444]:65535 nq
        FWM  7 wlc
          -> 11.0.2.4:0                   1         0           0          0
        FWM  8 IPv6 sed persistent 100
          -> [fd00::4]:0                  1         0           0          0
        """;

    /// <summary><c>ipvsadm -ln --tun-info</c>.</summary>
    internal const string Tunnels = """
        IP Virtual Server version 1.2.1 (size=4096)
        Prot LocalAddress:Port Scheduler Flags
          -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn
        FWM  -1 lblc
        TCP  0.0.0.0:0 rr persistent 50
        TCP  10.96.0.10:53 wlc persistent 10800
        TCP  10.96.0.100:0 rr persistent 50
          -> 11.0.2.4:0                   Tunnel  gue:6078:-c   1      0          0
        TCP  10.96.0.100:80 sh (sh-fallback,sh-port)
          -> 11.0.2.3:80                  Masq    n/a           1      0          0
        TCP  10.96.0.100:81 mh (mh-port)
        TCP  10.96.0.100:82 mh (mh-fallback)
        TCP  10.96.0.100:83 rr (flag-1,flag-2,flag-3)
        TCP  10.96.0.100:84 dh persistent 60
        TCP  10.96.0.100:5001 rr
          -> 11.0.1.2:5001                Masq    n/a           0      0          0
          -> 11.0.1.3:5001                Masq    n/a           0      0          0
          -> 127.0.0.1:5001               Masq    n/a           1      1          1
        TCP  10.96.0.101:80 rr
          -> [fd00::4]:80                 Tunnel  ipip          1      0          0
        TCP  127.0.0.1:80 rr
          -> 127.0.0.1:22                 Masq    n/a           1      0          0
        UDP  10.96.0.10:53 wrr persistent 300 mask 255.255.255.0 ops
          -> 11.0.2.2:53                  Tunnel  ipip          1      0          0
          -> 11.0.2.3:53                  Route   n/a           100    0          0
        UDP  10.96.0.100:5060 rr persistent 60 pe sip
        SCTP 10.96.0.100:5001 lc
          -> 11.0.2.3:5001                Masq    n/a           1      0          0
        TCP  [fd00:96::100]:5001 rr persistent 10800 mask 64
          -> [fd00::2]:5001               Masq    n/a           1      0          0
          -> [fd00:1234:5678:9abc:def0:1111:2222:3333]:5001 Masq    n/a           1      0          0
        TCP  [fd00:96::100]:5002 rr persistent 10800
        UDP  [fd00:1234:5678:9abc:def0:1111:2222:4444]:65535 nq
        FWM  7 wlc
          -> 11.0.2.4:0                   Route   n/a           1      0          0
        FWM  8 IPv6 sed persistent 100
          -> [fd00::4]:0                  Masq    n/a           1      0          0
        """;

    /// <summary><c>ipvsadm -Sn</c>.</summary>
    internal const string Ruled = """
        -A -f -1 -s lblc
        -A -t 0.0.0.0:0 -s rr -p 50
        -A -t 10.96.0.10:53 -s wlc -p 10800
        -A -t 10.96.0.100:0 -s rr -p 50
        -a -t 10.96.0.100:0 -r 11.0.2.4:0 -i -w 1 --tun-type gue --tun-port 6078 --tun-nocsum
        -A -t 10.96.0.100:80 -s sh -b sh-fallback,sh-port
        -a -t 10.96.0.100:80 -r 11.0.2.3:80 -m -w 1
        -A -t 10.96.0.100:81 -s mh -b mh-port
        -A -t 10.96.0.100:82 -s mh -b mh-fallback
        -A -t 10.96.0.100:83 -s rr -b flag-1,flag-2,flag-3
        -A -t 10.96.0.100:84 -s dh -p 60
        -A -t 10.96.0.100:5001 -s rr
        -a -t 10.96.0.100:5001 -r 11.0.1.2:5001 -m -w 0
        -a -t 10.96.0.100:5001 -r 11.0.1.3:5001 -m -w 0
        -a -t 10.96.0.100:5001 -r 127.0.0.1:5001 -m -w 1
        -A -t 10.96.0.101:80 -s rr
        -a -t 10.96.0.101:80 -r [fd00::4]:80 -i -w 1 --tun-type ipip
        -A -t 127.0.0.1:80 -s rr
        -a -t 127.0.0.1:80 -r 127.0.0.1:22 -m -w 1
        -A -u 10.96.0.10:53 -s wrr -p 300 -M 255.255.255.0 -o
        -a -u 10.96.0.10:53 -r 11.0.2.2:53 -i -w 1 --tun-type ipip
        -a -u 10.96.0.10:53 -r 11.0.2.3:53 -g -w 100
        -A -u 10.96.0.100:5060 -s rr -p 60 --pe sip
        -A --sctp-service 10.96.0.100:5001 -s lc
        -a --sctp-service 10.96.0.100:5001 -r 11.0.2.3:5001 -m -w 1
        -A -t [fd00:96::100]:5001 -s rr -p 10800 -M 64
        -a -t [fd00:96::100]:5001 -r [fd00::2]:5001 -m -w 1
        -a -t [fd00:96::100]:5001 -r [fd00:1234:5678:9abc:def0:1111:2222:3333]:5001 -m -w 1
        -A -t [fd00:96::100]:5002 -s rr -p 10800
        -A -u [fd00:1234:5678:9abc:def0:1111:2222:4444]:65535 -s nq
        -A -f 7 -s wlc
        -a -f 7 -r 11.0.2.4:0 -g -w 1
        -A -f 8 -6 -s sed -p 100
        -a -f 8 -6 -r [fd00::4]:0 -m -w 1
        """;

    /// <summary><c>ipvsadm -S</c>.</summary>
    internal const string RuledByName = """
        -A -f -1 -s lblc
        -A -t 0.0.0.0:0 -s rr -p 50
        -A -t 10.96.0.10:domain -s wlc -p 10800
        -A -t 10.96.0.100:0 -s rr -p 50
        -a -t 10.96.0.100:0 -r 11.0.2.4:0 -i -w 1 --tun-type gue --tun-port 6078 --tun-nocsum
        -A -t 10.96.0.100:http -s sh -b sh-fallback,sh-port
        -a -t 10.96.0.100:http -r 11.0.2.3:http -m -w 1
        -A -t 10.96.0.100:81 -s mh -b mh-port
        -A -t 10.96.0.100:82 -s mh -b mh-fallback
        -A -t 10.96.0.100:83 -s rr -b flag-1,flag-2,flag-3
        -A -t 10.96.0.100:84 -s dh -p 60
        -A -t 10.96.0.100:5001 -s rr
        -a -t 10.96.0.100:5001 -r 11.0.1.2:5001 -m -w 0
        -a -t 10.96.0.100:5001 -r 11.0.1.3:5001 -m -w 0
        -a -t 10.96.0.100:5001 -r localhost:5001 -m -w 1
        -A -t 10.96.0.101:http -s rr
        -a -t 10.96.0.101:http -r [fd00::4]:http -i -w 1 --tun-type ipip
        -A -t localhost:http -s rr
        -a -t localhost:http -r localhost:ssh -m -w 1
        -A -u 10.96.0.10:domain -s wrr -p 300 -M 255.255.255.0 -o
        -a -u 10.96.0.10:domain -r 11.0.2.2:domain -i -w 1 --tun-type ipip
        -a -u 10.96.0.10:domain -r 11.0.2.3:domain -g -w 100
        -A -u 10.96.0.100:sip -s rr -p 60 --pe sip
        -A --sctp-service 10.96.0.100:5001 -s lc
        -a --sctp-service 10.96.0.100:5001 -r 11.0.2.3:5001 -m -w 1
        -A -t [fd00:96::100]:5001 -s rr -p 10800 -M 64
        -a -t [fd00:96::100]:5001 -r [fd00::2]:5001 -m -w 1
        -a -t [fd00:96::100]:5001 -r [fd00:1234:5678:9abc:def0:1111:2222:3333]:5001 -m -w 1
        -A -t [fd00:96::100]:5002 -s rr -p 10800
        -A -u [fd00:1234:5678:9abc:def0:1111:2222:4444]:65535 -s nq
        -A -f 7 -s wlc
        -a -f 7 -r 11.0.2.4:0 -g -w 1
        -A -f 8 -6 -s sed -p 100
        -a -f 8 -6 -r [fd00::4]:0 -m -w 1
        """;
}
