global using System.Management.Automation;
global using LbTest.Engine;
