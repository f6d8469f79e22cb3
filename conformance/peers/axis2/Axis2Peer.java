final class Axis2Peer { public static void main(String[] args) {} }
